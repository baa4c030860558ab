"""What the CRM's definitions cannot say in YAML."""


async def count_employees(ctx):
    """The employees of all the companies that the action runs on: `{"numberOfEmployees": 629}`."""
    total = 0
    async for company in ctx.records():
        total += company["numberOfEmployees"] or 0
    return {"numberOfEmployees": total}
