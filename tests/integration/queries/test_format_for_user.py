"""Plain text in the language and the time zone of the user that a request names."""

from bson import ObjectId

from server.runtime import records
from server.runtime.running import SYSTEM, Caller

THINGS = """
recordLabel: name
fields:
  name: {type: text}
  at: {type: dateTime, display: {format: "EEEE HH:mm"}}
"""
GROUPS = {
    "groups_blind": "entities: {things: {read: always}}",
    "groups_keepers": "entities: {things: {read: always}, sys.users: {read: {firstName: Ann}}}",
    "groups_half": "entities: {things: {read: always}, sys.users: {read: always, fields: {localization: none}}}",
}
AT = 1_700_000_000_000  # Tuesday, 22:13 in UTC


async def served(serve_app):
    app = await serve_app(entities_things=THINGS, **GROUPS)
    (thing,) = await app.add("things", {"name": "x", "at": AT})
    made = []
    for name, localization in (
        ("Ann", {"timezoneMode": "MANUAL", "timezone": "Europe/Berlin", "language": "de"}),
        ("Bob", {"timezoneMode": "AUTO", "timezone": "Europe/Berlin", "language": "fr"}),
        ("Cy", {"timezoneMode": "MANUAL", "language": "german"}),
    ):
        body = {"firstName": name, "lastName": "X", "email": f"{name}@example.com", "localization": localization}
        made.append(await records.create_record(app.running, SYSTEM, "sys.users", body))
    return app, thing, made


async def shown(app, user, caller=None, path="things"):
    answer = await app.get(path, caller, _format="plainText", _formatForUser=user)
    if answer.status_code != 200:
        return answer.status_code
    body = answer.json()
    return (body["items"][0] if "items" in body else body)["at"]


async def test_id_and_address_lead_to_the_users_language_and_zone(serve_app):
    app, thing, (ann, bob, cy) = await served(serve_app)
    assert await shown(app, ann["id"]) == "Dienstag 23:13"
    assert await shown(app, "ANN@example.com") == "Dienstag 23:13"
    assert await shown(app, "ann@example.com", path=f"things/{thing['id']}") == "Dienstag 23:13"
    assert await shown(app, bob["id"]) == "mardi 22:13"  # whose zone is found automatically has the app's here
    assert await shown(app, cy["id"]) == "Dienstag 22:13"
    nothing_of_use = {"localization.timezone": "../../etc/passwd", "localization.language": "no such"}
    await app.running.store.update("sys.users", {"_id": ObjectId(cy["id"])}, {"$set": nothing_of_use})
    assert await shown(app, cy["id"]) == "Tuesday 22:13"


async def test_unknown_users_are_refused_and_so_are_native_values(serve_app):
    app, _, (ann, *_) = await served(serve_app)
    for unknown in ("nobody@example.com", str(ObjectId()), "x", "$ne"):
        assert await shown(app, unknown) == 400
    assert (await app.get("things", _formatForUser=ann["id"])).status_code == 400


async def test_only_users_that_the_caller_may_read_can_be_named(serve_app):
    app, _, (ann, bob, _) = await served(serve_app)
    blind, keeper, half = (Caller(user={"id": "0" * 24}, groups=(name,)) for name in ("blind", "keepers", "half"))
    assert await shown(app, ann["id"], blind) == 400
    assert await shown(app, ann["id"], keeper) == "Dienstag 23:13"
    assert await shown(app, bob["id"], keeper) == 400
    assert await shown(app, bob["email"], keeper) == 400
    assert await shown(app, ann["id"], half) == 403
    record = app.running.entity("sys.users").rules.load(await app.running.store.get("sys.users", ObjectId(bob["id"])))
    assert await shown(app, bob["email"], Caller(user=record, groups=("blind",))) == "mardi 22:13"
