"""Use cases of files: uploads, downloads under the rights of their records, links for everybody, and orphans."""
