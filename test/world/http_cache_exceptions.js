// What `klieg edge` does otherwise than the tests of http-cache-tests expect, and why. A test that is not listed must
// pass, and one that is listed must not.

export const exceptions = [
  // Of what the suite calls required
  {
    why: "the suite's answer contradicts the test's own name, which says stale, as the tests around it do and we do",
    tests: ["age-parse-prefix"],
  },
  {
    why: "we answer 502, as we must; the suite takes an answer without its own counter for one from the cache, so nobody passes",
    tests: [
      "stale-close-must-revalidate",
      "stale-close-proxy-revalidate",
      "stale-close-no-cache",
      "stale-close-s-maxage=2",
    ],
  },
  {
    why: "a transfer coding that nobody knows hides where the message ends: the response is refused (RFC 9112 section 6.1)",
    tests: ["headers-store-Transfer-Encoding"],
  },

  // Of what it calls optimal
  {
    why: "only GET is kept: the answer to a POST is not worth a second way into the cache",
    tests: ["method-POST"],
  },
  {
    why: "the order of languages means something to some origins, and choosing among variants is the origin's business",
    tests: ["vary-normalise-lang-order", "vary-normalise-lang-select"],
  },
  {
    why: "what says no Last-Modified may have changed until its Date, which is later than the If-Modified-Since (RFC 9111 section 4.3.2)",
    tests: ["conditional-lm-fresh-no-lm"],
  },
  {
    why: "206 responses are not kept: upward we ask for the whole, and cut ranges out of it here",
    tests: [
      "partial-store-partial-reuse-partial",
      "partial-store-partial-reuse-partial-byterange",
      "partial-store-partial-reuse-partial-absent",
      "partial-store-partial-reuse-partial-suffix",
      "partial-store-partial-complete",
    ],
  },

  // Of what it only wants to know
  {
    why: "a max-age that is no number makes the response stale (RFC 9111 section 4.2.1)",
    tests: [
      "freshness-max-age-decimal-zero",
      "freshness-max-age-decimal-five",
      "freshness-max-age-a100",
      "freshness-max-age-100a",
    ],
  },
  {
    why: "of two max-age the first counts (RFC 9111 section 4.2.1)",
    tests: ["freshness-max-age-two-stale-fresh-sameline", "freshness-max-age-two-stale-fresh-sepline"],
  },
  {
    why: "an Expires that is no date is in the past (RFC 9111 section 5.3)",
    tests: [
      "freshness-expires-32bit", // without its comma
      "freshness-expires-far-future", // the same
      "freshness-expires-invalid-utc",
      "freshness-expires-invalid-aest",
      "freshness-expires-invalid-2-digit-year",
      "freshness-expires-invalid-no-comma",
      "freshness-expires-invalid-multiple-spaces",
      "freshness-expires-invalid-date-dashes",
      "freshness-expires-invalid-time-periods",
      "freshness-expires-invalid-1-digit-hour",
      "freshness-expires-invalid-multiple-lines",
    ],
  },
  {
    why: "no-cache with field names is about the whole response (RFC 9111 section 5.2.2.4 allows it)",
    tests: [
      "headers-omit-headers-listed-in-Cache-Control-no-cache-single",
      "headers-omit-headers-listed-in-Cache-Control-no-cache",
    ],
  },
  { why: "RFC 9111 made Warning obsolete", tests: ["stale-warning-stored", "stale-warning-become"] },
  {
    why: "a tenth of 30 s or less is over when the test asks again after 3 s",
    tests: ["heuristic-delta-5", "heuristic-delta-10", "heuristic-delta-30"],
  },
  {
    why: "a request's no-store is about its own response, not about what is kept already (RFC 9111 section 5.2.1.5)",
    tests: ["ccreq-no-store"],
  },
  { why: "Pragma: no-cache is obeyed (RFC 9111 section 5.4)", tests: ["pragma-request-no-cache"] },
  {
    why: "what is no entity tag (RFC 9110 section 8.8.3) is compared with none",
    tests: [
      "conditional-etag-quoted-respond-unquoted",
      "conditional-etag-unquoted-respond-unquoted",
      "conditional-etag-unquoted-respond-quoted",
      "conditional-etag-weak-respond-lowercase",
      "conditional-etag-weak-respond-backslash",
      "conditional-etag-weak-respond-omit-slash",
      "conditional-etag-strong-generate-unquoted",
    ],
  },
  {
    why: "Node's server and client spell these bytes in two ways, so nobody passes",
    tests: ["conditional-etag-strong-respond-obs-text"],
  },
  {
    why: "another variant is asked for as if nothing were here",
    tests: ["conditional-etag-vary-headers-mismatch"],
  },
  {
    why: "one fetch is for all who wait, so no viewer's own condition goes with it",
    tests: ["conditional-etag-forward", "conditional-etag-forward-unquoted"],
  },
  {
    why: "a HEAD fetches the whole with a GET, which the viewer's GET will want",
    tests: [
      "head-writethrough",
      "head-200-retain",
      "head-200-freshness-update",
      "head-200-update",
      "head-410-update",
    ],
  },
];

export const exception_ids = new Set(exceptions.flatMap(({ tests }) => tests));
