"""S3: buckets that are there, and objects that are uploaded whole or in parts.

Knows bytes. Does not know who may read or write them.
"""

import hashlib
from xml.sax.saxutils import escape

from stack import Refused


class Buckets(dict):
    """By their names, and in each the objects by their keys."""

    def __init__(self):
        self.parts = {}

    def bucket(self, name):
        if name not in self:
            raise Refused("NoSuchBucket", f"The specified bucket does not exist: {name}", 404)
        return self[name]

    def object(self, bucket, key):
        if key not in self.bucket(bucket):
            raise Refused("NoSuchKey", f"The specified key does not exist: {key}", 404)
        return self.bucket(bucket)[key]

    def answer(self, method, path, query, body):
        """What S3 answers to a request: headers and a body."""
        bucket, _, key = path.removeprefix("/").partition("/")
        match method, key, sorted(query):
            case "GET" | "HEAD", key, [] if key:
                content = self.object(bucket, key)
                return {"ETag": etag(content)}, content
            case "GET", "", _ if query.get("list-type") == "2":
                keys = [name for name in self.bucket(bucket) if name.startswith(query.get("prefix", ""))]
                listed = "".join(f"<Contents><Key>{escape(name)}</Key></Contents>" for name in keys)
                return {}, f"<ListBucketResult><Name>{bucket}</Name>{listed}</ListBucketResult>".encode()
            case "GET", "", ["location"]:
                self.bucket(bucket)
                return {}, b"<LocationConstraint/>"
            case "GET", "", ["encryption"]:
                self.bucket(bucket)
                raise Refused("ServerSideEncryptionConfigurationNotFoundError", "The server side encryption configuration was not found", 404)
            case "PUT", key, [] if key:
                self.bucket(bucket)[key] = body
                return {"ETag": etag(body)}, b""
            case "DELETE", key, [] if key:
                self.bucket(bucket).pop(key, None)
                return {}, b""
            case "POST", key, ["uploads"]:
                self.bucket(bucket)
                upload = str(len(self.parts))
                self.parts[upload] = {}
                return {}, f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>".encode()
            case "PUT", key, ["partNumber", "uploadId"]:
                self.parts[query["uploadId"]][int(query["partNumber"])] = body
                return {"ETag": etag(body)}, b""
            case "POST", key, ["uploadId"]:
                parts = self.parts.pop(query["uploadId"])
                self.bucket(bucket)[key] = b"".join(parts[number] for number in sorted(parts))
                return {}, f"<CompleteMultipartUploadResult><Key>{escape(key)}</Key></CompleteMultipartUploadResult>".encode()
        raise Refused("NotImplemented", f"this stand-in does not know {method} /{bucket}/{key} {query}", 501)


def etag(content):
    return f'"{hashlib.md5(content).hexdigest()}"'
