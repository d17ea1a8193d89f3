// Events as Lambda's three doors make them, for tests. Fields that no handler reads are left out.

const text = (bytes) => {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
};

const body = (bytes) => {
  const said = text(bytes);
  if (said === "") return { body: null, isBase64Encoded: false };
  return said === undefined ? { body: Buffer.from(bytes).toString("base64"), isBase64Encoded: true } : { body: said, isBase64Encoded: false };
};

const lists = (pairs) => {
  const all = {};
  for (const [name, value] of pairs) (all[name] ??= []).push(value);
  return all;
};
const lasts = (all) => Object.fromEntries(Object.entries(all).map(([name, values]) => [name, values.at(-1)]));

/** The bytes of an event, from the options of `invoke`. */
export function eventOf({ via = "direct", method = "POST", path = "/", headers = {}, cookies = [], json, body: given }) {
  const bytes = json !== undefined ? Buffer.from(JSON.stringify(json)) : Buffer.from(given ?? "");
  const pairs = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => [name, String(one)]));
  if (json !== undefined && !pairs.some(([name]) => name.toLowerCase() === "content-type")) pairs.push(["content-type", "application/json"]);
  const at = path.indexOf("?");
  const [pathname, query] = at < 0 ? [path, ""] : [path.slice(0, at), path.slice(at + 1)];
  switch (via) {
    case "direct": return bytes.length > 0 ? bytes : Buffer.from("{}");
    case "url": return Buffer.from(JSON.stringify(functionUrl({ method, pathname, query, pairs, cookies, bytes })));
    case "api": return Buffer.from(JSON.stringify(rest({ method, pathname, query, pairs, cookies, bytes })));
    default: throw new TypeError(`via is "direct", "url" or "api", and not ${JSON.stringify(via)}`);
  }
}

function functionUrl({ method, pathname, query, pairs, cookies, bytes }) {
  const headers = Object.fromEntries(Object.entries(lists(pairs.map(([name, value]) => [name.toLowerCase(), value]))).map(([name, values]) => [name, values.join(",")]));
  const parameters = lists(new URLSearchParams(query));
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: pathname,
    rawQueryString: query,
    ...(cookies.length > 0 && { cookies }),
    headers,
    ...(query !== "" && { queryStringParameters: Object.fromEntries(Object.entries(parameters).map(([name, values]) => [name, values.join(",")])) }),
    requestContext: {
      accountId: "anonymous", apiId: "test", domainName: "test.lambda-url.us-east-1.on.aws", domainPrefix: "test",
      http: { method, path: pathname, protocol: "HTTP/1.1", sourceIp: "127.0.0.1", userAgent: headers["user-agent"] ?? "" },
      requestId: "00000000-0000-4000-8000-000000000000", routeKey: "$default", stage: "$default",
      time: "01/Jan/2026:00:00:00 +0000", timeEpoch: 1767225600000,
    },
    ...body(bytes),
  };
}

function rest({ method, pathname, query, pairs, cookies, bytes }) {
  const headers = lists(cookies.length > 0 ? [...pairs, ["Cookie", cookies.join("; ")]] : pairs);
  const parameters = lists(new URLSearchParams(query));
  const path = decodeURIComponent(pathname);
  return {
    resource: "/{proxy+}",
    path,
    httpMethod: method,
    headers: lasts(headers),
    multiValueHeaders: headers,
    queryStringParameters: query === "" ? null : lasts(parameters),
    multiValueQueryStringParameters: query === "" ? null : parameters,
    pathParameters: { proxy: path.slice(1) },
    stageVariables: null,
    requestContext: {
      accountId: "123456789012", apiId: "test", httpMethod: method, identity: { sourceIp: "127.0.0.1", userAgent: null },
      path: `/test${path}`, protocol: "HTTP/1.1", requestId: "00000000-0000-4000-8000-000000000000",
      requestTimeEpoch: 1767225600000, resourceId: "test", resourcePath: "/{proxy+}", stage: "test",
    },
    ...body(bytes),
  };
}
