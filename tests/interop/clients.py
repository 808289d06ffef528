"""Callers of the development configuration: boto3's clients, and single requests signed by botocore."""

import datetime
import http.client
import json
import unittest.mock
import urllib.parse

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.exceptions

ADMIN = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
ALICE = ("AKIAI44QH8DHBEXAMPLE", "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY")
BOB = ("AKIAEXAMPLEBOB000001", "c2VjcmV0LWZvci1ib2ItaW4tYW5vdGhlci1hY2N0")


def client(url, credentials=ADMIN, region="us-east-1", verify=None, **config):
    """One try a call, and no check of parameters before the daemon's."""
    options = {"retries": {"total_max_attempts": 1}, "parameter_validation": False, "connect_timeout": 10,
               "read_timeout": 60, "proxies": {}, **config}
    return boto3.session.Session().client(
        "kms", endpoint_url=url, region_name=region, verify=verify, aws_access_key_id=credentials[0],
        aws_secret_access_key=credentials[1], config=botocore.config.Config(**options))


class clock_moved:
    """Signatures made inside have a time so many seconds from now."""

    def __init__(self, seconds):
        moved = unittest.mock.Mock(wraps=datetime)
        moved.datetime = unittest.mock.Mock(wraps=datetime.datetime)
        moved.datetime.utcnow = lambda: datetime.datetime.utcnow() + datetime.timedelta(seconds=seconds)
        self.patch = unittest.mock.patch("botocore.auth.datetime", moved)

    def __enter__(self):
        self.patch.start()

    def __exit__(self, *_):
        self.patch.stop()


def post(url, target, body, credentials=ADMIN, region="us-east-1", content_type="application/x-amz-json-1.1"):
    """(status, headers, body) of one request as it stands on the wire; unsigned without credentials."""
    request = botocore.awsrequest.AWSRequest("POST", url + "/", data=body.encode(),
                                             headers={"Content-Type": content_type, "X-Amz-Target": target})
    if credentials:
        botocore.auth.SigV4Auth(botocore.credentials.Credentials(*credentials), "kms", region).add_auth(request)
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=60)
    try:
        connection.request("POST", "/", body=body.encode(), headers=dict(request.headers.items()))
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def call(url, operation, credentials=ADMIN, region="us-east-1", **members):
    """(status, answer): every member as the daemon sends it, also what this boto3 does not know yet."""
    status, _, body = post(url, "TrentService." + operation, json.dumps(members), credentials, region)
    return status, json.loads(body) if body else None
