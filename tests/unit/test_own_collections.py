"""Indexes of the server's own collections are no leftovers of definitions."""

from server.store.indexes import reconcile_indexes


class Indexed:
    """A database that has an index of ours in two collections."""

    async def collection_names(self):
        return ["companies", "sys.workers"]

    async def indexes(self, collection):
        return [{"name": "_id_"}, {"name": "cw_expires"}]


async def test_nobody_is_told_to_drop_what_the_server_made_for_itself():
    report = await reconcile_indexes(Indexed(), ())
    assert [str(name) for name in report.stale] == ["companies: cw_expires"]
