"""Records through the whole server: what a client sees of creating, reading, listing, changing and deleting."""

import pytest

BROWSEZOOM = {
    "name": "Browsezoom",
    "state": "pending",
    "type": "a",
    "numberOfEmployees": 95,
    "isCustomer": False,
    "contactInformation": {"phoneNumber": "1-702-845-9380", "email": ""},
    "addresses": [{"addressLine": "4 Magdeline Place", "zipCode": "89145", "city": "Las Vegas", "state": "NV"}],
    "homepage": "",
    "taxId": "350-KWM",
    "rating": "2.8",
    "notes": "test notes",
    "lastMeeting": 1429623180000,
}


@pytest.fixture
def company(shared):
    answer = shared.client.post("/data/companies", json=BROWSEZOOM)
    assert answer.status_code == 200, answer.text
    made = answer.json()
    yield made
    shared.client.delete(f"/data/companies/{made['id']}")


def test_a_created_record_is_answered_whole(company):
    assert list(company)[:4] == ["id", "version", "label", "name"]
    assert (company["version"], company["label"]) == (0, "Browsezoom")
    assert company["contactInformation"]["label"] == "Contact Information"
    assert company["contactInformation"]["email"] is None
    assert company["addresses"][0]["label"] == "NV - 89145"
    assert isinstance(company["lastUpdate"], int)
    assert company["lastMeeting"] == 1429623180000


def test_it_reads_as_it_was_answered(shared, company):
    assert shared.client.get(f"/data/companies/{company['id']}").json() == company
    assert shared.client.get(f"/data/companies/{company['id']}/").json() == company


def test_it_is_found_by_its_fields(shared, company):
    for query in ("name=Browsezoom", "addresses.state=NV&type=a,b", "numberOfEmployees=between(90,100)"):
        page = shared.client.get(f"/data/companies?{query}").json()
        assert page == {"total": 1, "offset": company["id"], "items": [company]}
    assert shared.client.get("/data/companies?name=Nobody").json() == {"total": 0, "items": []}


def test_a_change_counts_the_version_and_a_stale_one_is_refused(shared, company):
    path = f"/data/companies/{company['id']}"
    changed = shared.client.put(path, json={"version": 0, "numberOfEmployees": 100}).json()
    assert (changed["version"], changed["numberOfEmployees"], changed["name"]) == (1, 100, "Browsezoom")
    stale = shared.client.put(path, json={"version": 0, "numberOfEmployees": 5})
    assert (stale.status_code, stale.json()["code"], stale.json()["currentVersion"]) == (409, "optimisticLocking", 1)
    assert shared.client.put(path).json()["version"] == 1


def test_every_problem_of_a_body_is_told_at_once(shared, company):
    answer = shared.client.post("/data/companies", json={"state": "x", "numberOfEmployees": -1, "colour": "red"})
    assert answer.status_code == 400
    told = [(item["field"], item["code"]) for item in answer.json()["errors"]]
    expected = [
        ("name", "required"),
        ("state", "invalid"),
        ("numberOfEmployees", "invalid"),
        ("colour", "invalidStructure"),
    ]
    assert told == expected
    assert set(answer.json()["errors"][0]) == {"field", "fieldLabel", "code", "message", "additionalInfo"}


def test_a_unique_field_is_unique(shared, company):
    answer = shared.client.post("/data/companies", json={"name": "Browsezoom"})
    assert answer.status_code == 400
    assert [(item["field"], item["code"]) for item in answer.json()["errors"]] == [("name", "notUnique")]


def test_a_deleted_record_is_answered_and_gone(shared):
    made = shared.client.post("/data/companies", json={"name": "Short-lived"}).json()
    path = f"/data/companies/{made['id']}"
    assert shared.client.delete(path).json() == made
    for method in ("GET", "DELETE"):
        assert shared.client.request(method, path).status_code == 404


def test_several_ids_give_a_map(shared):
    ids = [shared.client.post("/data/companies", json={"name": name}).json()["id"] for name in ("One", "Two")]
    answer = shared.client.delete(f"/data/companies/{','.join(ids)}").json()
    assert {record_id: entry["status"] for record_id, entry in answer.items()} == dict.fromkeys(ids, "ok")


@pytest.mark.parametrize(
    "record_id", ["x", "57fd2d65e4b0ce322b0c8665", "0" * 25, "zzzzzzzzzzzzzzzzzzzzzzzz", "%00", "..", "%2e%2e"]
)
def test_ids_that_name_nothing_are_404(shared, record_id):
    for method in ("GET", "PUT"):
        answer = shared.client.request(method, f"/data/companies/{record_id}", json={})
        assert (answer.status_code, answer.json()["code"]) == (404, "notFound")


def test_decimals_and_instants_are_numbers_and_ids_are_text(shared, company):
    text = shared.client.get(f"/data/companies/{company['id']}").text
    assert '"numberOfEmployees":95' in text
    assert f'"id":"{company["id"]}"' in text
    assert len(company["id"]) == 24


@pytest.mark.parametrize(
    "query", ["nope=1", "state=like(x)", "_size=0", "_nope=1", "_query=or(", "state=%ff", "numberOfEmployees=x"]
)
def test_queries_that_cannot_be_understood_are_400(shared, query):
    answer = shared.client.get(f"/data/companies?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "badRequest"), query


def test_a_head_has_the_headers_and_no_body(shared):
    answer = shared.client.head("/data/companies")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0
