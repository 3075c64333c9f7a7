"""The hub itself: the API of repositories, and their files or where those are."""

import hashlib
import posixpath
import urllib.parse

from http_handler import Handler


class Refused(Exception):
    """An answer that is an error: status, X-Error-Code, X-Error-Message, further headers."""

    def __init__(self, status, code, message, headers=None):
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}


class HubHandler(Handler):
    host = "hub"

    def route(self):
        address, _, query = self.path.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query))
        parts = [urllib.parse.unquote(part) for part in address.strip("/").split("/")]
        try:
            self._check_token()
            if parts[:2] == ["api", "models"]:
                self._api(parts[2:])
            elif parts[:3] == ["api", "resolve-cache", "models"]:
                self._small_file(parts[3:])
            elif "resolve" in parts[1:3]:
                self._resolve(parts)
            else:
                raise Refused(404, None, "Sorry, we can't find the page you are looking for.")
        except Refused as refusal:
            headers = {"X-Error-Message": refusal.message, **refusal.headers}
            if refusal.code:
                headers["X-Error-Code"] = refusal.code
            self.send_json(refusal.status, {"error": refusal.message}, headers)

    def _check_token(self):
        text = self.headers.get("Authorization")
        self.token = text.removeprefix("Bearer ") if text else None
        if self.token is not None and self.token not in self.hub.tokens:
            raise Refused(401, None, "Invalid credentials in Authorization header")

    def _repository(self, parts):
        """The repository at the head of `parts`, and the rest of them; None where the answer is a redirect
        to what it is called today."""
        for count in (2, 1):
            name = "/".join(parts[:count])
            if name in self.hub.renamed:
                target = self.path.replace(name, self.hub.renamed[name], 1)
                self.send(307, f"Temporary Redirect. Redirecting to {target}".encode(), "text/plain",
                          {"Location": target})
                return None, parts
            repository = self.hub.repositories.get(name)
            if repository and not (repository.private and self.token not in repository.readers):
                return repository, parts[count:]
        # Whether there is none or it is private is told to nobody.
        if self.token is None:
            raise Refused(401, "RepoNotFound", "Repository not found",
                          {"WWW-Authenticate": 'Bearer realm="Authentication required", charset="UTF-8"'})
        raise Refused(404, "RepoNotFound", "Repository not found")

    def _commit(self, repository, revision):
        commit = repository.resolve(revision)
        if commit is None:
            raise Refused(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return commit

    def _check_gate(self, repository):
        if not repository.gated or self.token in repository.readers:
            return
        if self.token is None:
            raise Refused(401, "GatedRepo",
                          f"Access to model {repository.name} is restricted. You must have access to it and "
                          "be authenticated to access it. Please log in.")
        raise Refused(403, "GatedRepo",
                      f"Access to model {repository.name} is restricted and you are not in the authorized "
                      f"list. Visit https://huggingface.co/{repository.name} to ask for access.")

    def _api(self, parts):
        repository, rest = self._repository(parts)
        if repository is None:
            return
        if not rest:
            self._info(repository, "main")
        elif rest[0] == "revision" and len(rest) > 1:
            self._info(repository, "/".join(rest[1:]))
        elif rest[0] == "tree" and len(rest) > 1:
            self._tree(repository, rest[1], "/".join(rest[2:]))
        elif rest == ["refs"]:
            self._refs(repository)
        else:
            raise Refused(404, None, "Not found")

    def _info(self, repository, revision):
        commit = self._commit(repository, revision)
        siblings = []
        for path, file in repository.commits[commit].items():
            sibling = {"rfilename": path}
            if self.query.get("blobs", "").lower() in ("true", "1"):
                sibling.update({"blobId": file.oid, "size": len(file.data)})
                if file.lfs:
                    sibling["lfs"] = {"sha256": file.sha256, "size": len(file.data),
                                      "pointerSize": file.pointer_size}
            siblings.append(sibling)
        license = repository.card.get("license")
        info = {
            "_id": hashlib.sha1(repository.name.encode()).hexdigest()[:24],
            "id": repository.name,
            "modelId": repository.name,
            "author": repository.name.partition("/")[0],
            "sha": commit,
            "lastModified": "2026-01-01T00:00:00.000Z",
            "private": repository.private,
            "gated": repository.gated,
            "disabled": False,
            "downloads": 0,
            "likes": 0,
            "tags": [f"license:{license}"] if license else [],
            "siblings": siblings,
            "createdAt": "2026-01-01T00:00:00.000Z",
        }
        if repository.card:
            info["cardData"] = repository.card
        self.send_json(200, info)

    def _tree(self, repository, revision, folder):
        commit = self._commit(repository, revision)
        entries = self._entries(repository.commits[commit], folder,
                                self.query.get("recursive", "").lower() in ("true", "1"))
        if folder and not entries:
            raise Refused(404, "EntryNotFound", f"{folder} does not exist on \"{revision}\"")
        first = int(self.query.get("cursor", 0))
        page = min(int(self.query.get("limit", self.hub.page_size)), self.hub.page_size)
        headers = {"X-Repo-Commit": commit}
        if first + page < len(entries):
            query = urllib.parse.urlencode({**self.query, "cursor": first + page})
            headers["Link"] = f'<{self.hub.url}{self.path.partition("?")[0]}?{query}>; rel="next"'
        self.send_json(200, entries[first : first + page], headers)

    @staticmethod
    def _entries(tree, folder, recursive):
        entries, folders = [], set()
        for path, file in tree.items():
            if folder and not path.startswith(folder + "/"):
                continue
            below = posixpath.dirname(path[len(folder) :].lstrip("/"))
            parts = below.split("/") if below else []
            for count in range(1, len(parts) + 1 if recursive else min(2, len(parts) + 1)):
                folders.add(posixpath.join(folder, *parts[:count]))
            if parts and not recursive:
                continue
            entry = {"type": "file", "oid": file.oid, "size": len(file.data), "path": path}
            if file.lfs:
                entry["lfs"] = {"oid": file.sha256, "size": len(file.data), "pointerSize": file.pointer_size}
            entries.append(entry)
        for path in sorted(folders):
            oid = hashlib.sha1(path.encode()).hexdigest()
            entries.append({"type": "directory", "oid": oid, "size": 0, "path": path})
        return sorted(entries, key=lambda entry: (entry["type"], entry["path"]))

    def _refs(self, repository):
        def rows(names, kind):
            return [{"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": commit}
                    for name, commit in names.items()]

        self.send_json(200, {"branches": rows(repository.branches, "heads"), "converts": [],
                             "tags": rows(repository.tags, "tags")})

    def _resolve(self, parts):
        """Where a file is, with all that a client wants to know of it before it goes there."""
        at = parts.index("resolve", 1)
        repository, _ = self._repository(parts[:at])
        if repository is None:
            return
        self._check_gate(repository)
        revision, path = parts[at + 1], "/".join(parts[at + 2 :])
        commit, file = self._find(repository, revision, path)
        headers = {
            "X-Repo-Commit": commit,
            "X-Linked-Size": len(file.data),
            "X-Linked-ETag": f'"{file.etag}"',
            "Accept-Ranges": "bytes",
        }
        if file.lfs:
            target, status = self.hub.signed_url(repository, file, posixpath.basename(path)), 302
        else:
            target, status = self._cache_address(repository, commit, path, file), 307
        text = f"{'Found' if status == 302 else 'Temporary Redirect'}. Redirecting to {target}"
        self.send(status, text.encode(), "text/plain", {"Location": target, **headers})

    def _find(self, repository, revision, path):
        commit = self._commit(repository, revision)
        file = repository.commits[commit].get(path)
        if file is None:
            raise Refused(404, "EntryNotFound", "Entry not found", {"X-Repo-Commit": commit})
        return commit, file

    def _cache_address(self, repository, commit, path, file):
        origin = urllib.parse.quote(self.path.partition("?")[0], safe="")
        etag = urllib.parse.quote(f'"{file.etag}"', safe="")
        return (f"/api/resolve-cache/models/{repository.name}/{commit}/{urllib.parse.quote(path)}"
                f"?{origin}=&etag={etag}")

    def _small_file(self, parts):
        repository, rest = self._repository(parts)
        if repository is None:
            return
        self._check_gate(repository)
        path = "/".join(rest[1:])
        commit, file = self._find(repository, rest[0], path)
        compress = path.endswith((".json", ".txt", ".md")) and len(file.data) > 1024
        name = urllib.parse.quote(posixpath.basename(path))
        self.send_file(file, file.etag, {
            "X-Repo-Commit": commit,
            "Content-Disposition": f"inline; filename*=UTF-8''{name}; filename=\"{name}\";",
        }, compress)
