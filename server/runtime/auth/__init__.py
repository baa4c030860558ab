"""Who is asking: logging in, tokens, and recognising callers. Modules are imported one by one.

login       login, logout, change_password: the use cases behind /auth
callers     authenticate: a token and an address to a Caller
proving     prove_password: the one place where a password is compared, slowed down by `throttle`
people      users and their credentials as stored; tokens: the tokens as stored
hashing     argon2id in threads
desk        what a process keeps in memory
start       the purge of ended tokens, and the first developer of a new database
"""
