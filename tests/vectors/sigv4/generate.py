#!/usr/bin/python3
"""Writes cases.vec: Signature Version 4, stage by stage, as botocore computes it.

The expectations come from Debian's python3-botocore, which shares nothing with the connector; botocore itself is first
held against signatures that AWS published. Run it to make the file anew, or with --check to see whether it is fresh.
"""

import io
import pathlib
import sys

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ACCESS_KEY = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUu"
DATE = "20150830T123600Z"
HOST = ("Host", "example.amazonaws.com")
DATED = ("X-Amz-Date", DATE)

UNRESERVED = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
FORM = ("Content-Type", "application/x-www-form-urlencoded")
JSON = ("Content-Type", "application/x-amz-json-1.1")

# What AWS published: (service, target, signature) of a GET with host and date, and the IAM example of its manual.
PUBLISHED = [
    ("get-vanilla", "service", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("get-vanilla-query-order-key-case", "service", "/?Param2=value2&Param1=value1",
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
    ("get-unreserved", "service", "/" + UNRESERVED,
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"),
    ("get-utf8", "service", "/\u1234", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
]


def case(name, target="/", headers=(HOST, DATED), method="GET", body="", service="kms"):
    return name, method, target, list(headers), body, service


CASES = [
    *(case("published-" + name, target, service=service) for name, service, target, _ in PUBLISHED),
    case("published-iam-list-users", "/?Action=ListUsers&Version=2010-05-08",
         [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"), ("Host", "iam.amazonaws.com"), DATED],
         service="iam"),
    case("get-vanilla"),
    case("post-vanilla", method="POST"),
    case("get-vanilla-empty-query-key", "/?Param1=value1"),
    case("get-vanilla-query", "/?"),
    case("get-query-without-value", "/?Param1"),
    case("get-query-order-key", "/?Param2=value&Param1=value&Param3=value"),
    case("get-query-order-key-case", "/?b=2&B=1&a=3&A=4"),
    case("get-query-order-value", "/?Param1=value2&Param1=value1"),
    case("get-query-order-prefix", "/?foo=2&foo-bar=1&foo1=3"),
    case("get-query-unreserved", "/?" + UNRESERVED + "=" + UNRESERVED),
    case("get-query-utf8", "/?%E1%88%B4=bar"),
    case("get-query-reserved", "/?%40%23%24%25%5E%26%2B=%2F%2C%3F%3E%3C%60%22%3B%3A%5C%7C%5D%5B%7B%7D"),
    case("get-query-space", "/?Param=a%20b"),
    case("post-query", "/?Param1=value1", method="POST"),
    case("post-query-nonunreserved", "/?%20=%21%27%28%29%2A", method="POST"),
    case("get-unreserved", "/" + UNRESERVED),
    case("get-utf8", "/\u1234"),
    case("get-path-escaped", "/example%20space/%E1%88%B4"),
    case("get-path-percent", "/100%/a%zz"),
    case("get-path-reserved", "/a+b=c&d,e;f:g@h!i$j'k(l)m*n"),
    case("normalize-slash", "//"),
    case("normalize-slashes", "//example//"),
    case("normalize-dot-slash", "/./"),
    case("normalize-pointless-dot", "/./example"),
    case("normalize-relative", "/example/.."),
    case("normalize-relative-relative", "/example1/example2/../.."),
    case("normalize-beyond-root", "/../../example"),
    case("normalize-inner", "/a/./b/../c//d/"),
    case("normalize-escaped-dots", "/a/%2e%2e/b"),
    case("get-header-key-duplicate", headers=[
        HOST, ("My-Header1", "value2"), ("My-Header1", "value2"), ("My-Header1", "value1"), DATED]),
    case("get-header-value-order", headers=[
        HOST, ("My-Header1", "value4"), ("My-Header1", "value1"), ("My-Header1", "value3"), ("My-Header1", "value2"),
        DATED]),
    case("get-header-value-multiline", headers=[HOST, ("My-Header1", "value1\n  value2\n     value3"), DATED]),
    case("get-header-value-trim", headers=[
        HOST, ("My-Header1", " value1"), ("My-Header2", " \"a   b   c\" "), DATED]),
    case("get-header-value-tabs", headers=[HOST, ("My-Header1", "\ta \t b\t"), DATED]),
    case("get-header-value-empty", headers=[HOST, ("My-Header1", ""), DATED]),
    case("get-header-key-sort", headers=[DATED, ("zoo", "1"), ("a-b", "2"), ("ab", "3"), ("A", "4"), HOST]),
    case("get-header-utf8", headers=[HOST, ("My-Header1", "\u1234"), DATED]),
    case("post-header-key-case", headers=[("HOST", HOST[1]), ("x-AMZ-dAtE", DATE)], method="POST"),
    case("post-header-value-case", headers=[HOST, ("My-Header1", "VALUE1"), DATED], method="POST"),
    case("post-x-www-form-urlencoded", headers=[FORM, HOST, DATED], method="POST", body="Param1=value1"),
    case("post-x-www-form-urlencoded-parameters", headers=[(FORM[0], FORM[1] + "; charset=utf-8"), HOST, DATED],
         method="POST", body="Param1=value1"),
    case("post-sts-header-before", method="POST"),
    case("post-sts-header-after", headers=[HOST, DATED, ("X-Amz-Security-Token", TOKEN)], method="POST"),
    case("post-utf8-body", headers=[JSON, HOST, DATED], method="POST", body="{\"Description\":\"\u1234 \u00fc\"}"),
    case("post-generate-data-key", headers=[
        HOST, ("X-Amz-Target", "TrentService.GenerateDataKey"), JSON, DATED], method="POST",
         body="{\"KeyId\": \"alias/app\", \"KeySpec\": \"AES_256\"}"),
]


def stages(method, target, headers, body, service):
    signer = SigV4Auth(Credentials(ACCESS_KEY, SECRET), service, "us-east-1")
    host = next(value for name, value in headers if name.lower() == "host")
    request = AWSRequest(method=method, url="https://" + host + target, data=body.encode())
    for name, value in headers:
        request.headers[name] = value
    request.context["timestamp"] = DATE
    canonical = signer.canonical_request(request)
    to_sign = signer.string_to_sign(request, canonical)
    names = signer.signed_headers(signer.headers_to_sign(request))
    return names, canonical, to_sign, signer.signature(to_sign, request)


def render():
    out = io.StringIO()
    out.write("# Made by generate.py. Secret access key: " + SECRET + "\n")
    for name, method, target, headers, body, service in CASES:
        names, canonical, to_sign, signature = stages(method, target, headers, body, service)
        for published, published_service, _, expected in PUBLISHED:
            if name == "published-" + published and service == published_service and signature != expected:
                sys.exit(f"{name}: botocore disagrees with AWS")
        if name == "published-iam-list-users":
            assert signature == "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        lines = "".join(f"{key}:{value}\n" for key, value in headers)
        out.write(f"=== {name}\n{method} {target}\n{lines}\n{body}\n")
        out.write(f"--- signed headers\n{names}\n--- canonical request\n{canonical}\n")
        out.write(f"--- string to sign\n{to_sign}\n--- signature\n{signature}\n")
    return out.getvalue()


def main():
    path = pathlib.Path(__file__).with_name("cases.vec")
    text = render()
    if "--check" in sys.argv[1:]:
        sys.exit(0 if path.read_text(encoding="utf-8") == text else f"{path} is stale")
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
