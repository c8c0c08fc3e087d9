#include "wire/http1.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace klieg::wire::http1 {
namespace {

struct Parsed {
  explicit Parsed(std::string text) : text(std::move(text)), result(parse_request_head(this->text, head)) {}
  Parsed(const Parsed&) = delete;
  Parsed& operator=(const Parsed&) = delete;
  uint16_t status() const { return result ? 0 : result.error().status; }
  std::string text;
  RequestHead head;
  Result<void, Refusal> result;
};

TEST(Http1, a_request_is_read_with_its_names_in_lower_case) {
  const Parsed request("GET /a/%20b?x=1&y HTTP/1.1\r\nHOST: example.org:80\r\nX-Thing: \t a  b \r\nEmpty:\r\n\r\n");
  ASSERT_TRUE(request.result);
  EXPECT_EQ(request.head.method, "GET");
  EXPECT_EQ(request.head.path, "/a/%20b");
  EXPECT_EQ(request.head.query, "x=1&y");
  EXPECT_EQ(request.head.host, "example.org:80");
  ASSERT_EQ(request.head.headers.size(), 3u);
  EXPECT_EQ(request.head.headers[1].name, "x-thing");
  EXPECT_EQ(request.head.headers[1].value, "a  b");
  EXPECT_EQ(request.head.headers[2].value, "");
  EXPECT_EQ(request.head.persistence, Persistence::keep_alive);
}

TEST(Http1, an_absolute_target_is_taken_apart_and_its_host_wins) {
  const Parsed request("GET http://real.org/a?b HTTP/1.1\r\nHost: other.org\r\n\r\n");
  EXPECT_EQ(request.head.host, "real.org");
  EXPECT_EQ(request.head.path, "/a");
  const Parsed bare("GET HTTPS://real.org?q HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(bare.head.path, "/");
  EXPECT_EQ(bare.head.query, "q");
  EXPECT_EQ(Parsed("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n").head.path, "/");
}

TEST(Http1, persistence_follows_version_and_connection) {
  EXPECT_EQ(Parsed("GET / HTTP/1.0\r\n\r\n").head.persistence, Persistence::close);
  EXPECT_EQ(Parsed("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").head.persistence, Persistence::keep_alive);
  EXPECT_EQ(Parsed("GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n").head.persistence, Persistence::close);
}

TEST(Http1, what_could_be_read_in_two_ways_is_refused) {
  const std::pair<std::string, int> heads[] = {
      {"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", 400},
      {"Content-Length: 1\r\nContent-Length: 1\r\n", 400},
      {"Content-Length: 1, 1\r\n", 400},
      {"Content-Length: +1\r\n", 400},
      {"Content-Length: \r\n", 400},
      {"Content-Length: 99999999999999999999\r\n", 400},
      {"Transfer-Encoding: gzip, chunked\r\n", 501},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400},
      {"Name : value\r\n", 400},
      {"Name\r\n", 400},
      {": value\r\n", 400},
      {"Name: a\r\n folded\r\n", 400},
      {"Name: a\nOther: b\r\n", 400},
      {"Name: a\rb\r\n", 400},
      {std::string("Name: a\0b\r\n", 11), 400},
      {"Host: second\r\n", 400},
      {"Expect: miracles\r\n", 417},
  };
  for (const auto& [fields, status] : heads) {
    EXPECT_EQ(Parsed("POST / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n").status(), status) << fields;
  }
}

TEST(Http1, a_bad_request_line_is_refused) {
  const std::pair<std::string, int> lines[] = {
      {"GET /", 400},
      {"GET  / HTTP/1.1", 400},
      {"GET / HTTP/1.1 ", 400},
      {"GET /a b HTTP/1.1", 400},
      {"G@T / HTTP/1.1", 400},
      {"GET / HTTP/2.0", 505},
      {"GET / HTTP/1.x", 400},
      {"GET a HTTP/1.1", 400},
      {"GET /#f HTTP/1.1", 400},
      {"GET ftp://h/ HTTP/1.1", 400},
      {"CONNECT h:1 HTTP/1.1", 501},
      {"GET * HTTP/1.1", 400},
      {"GET http:///x HTTP/1.1", 400},
      {"GET /\x7f HTTP/1.1", 400},
      {" GET / HTTP/1.1", 400},
      {"GET / http/1.1", 400},
  };
  for (const auto& [line, status] : lines) EXPECT_EQ(Parsed(line + "\r\nHost: h\r\n\r\n").status(), status) << line;
  EXPECT_EQ(Parsed("GET / HTTP/1.1\r\n\r\n").status(), 400) << "no Host";
}

TEST(Http1, too_many_headers_are_431) {
  std::string fields;
  for (size_t i = 0; i < headers_max; ++i) fields += "a: b\r\n";
  EXPECT_EQ(Parsed("GET / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n").status(), 431);
}

TEST(Http1, a_bare_line_end_ends_a_head_so_that_its_sender_is_answered) {
  EXPECT_EQ(find_head_end("GET / HTTP/1.1\n\nrest"), 16u);
  EXPECT_EQ(Parsed("GET / HTTP/1.1\n\n").status(), 400);
}

RC_GTEST_PROP(Http1, the_end_of_a_head_is_found_however_it_comes, (std::string text)) {
  for (char& c : text) c = "\r\na"[static_cast<uint8_t>(c) % 3];
  const auto end = find_head_end(text);
  for (size_t size = 1, searched = 0; size <= text.size(); ++size) {
    const auto found = find_head_end(std::string_view(text).substr(0, size), searched);
    if (found) {
      RC_ASSERT(found == end);
      return;
    }
    searched = size;
  }
  RC_ASSERT(!end);
}

TEST(Http1, a_chunked_body_is_joined_and_its_end_found) {
  std::vector<uint8_t> out;
  ChunkedDecoder decoder(100);
  const std::string body = "5;name=\"value\"\r\nhello\r\n01\r\n!\r\n0\r\nTrailer: x\r\n\r\n";
  EXPECT_EQ(decoder.feed(as_bytes(body + "GET"), out), body.size());
  EXPECT_TRUE(decoder.done());
  EXPECT_EQ(std::string(out.begin(), out.end()), "hello!");
}

TEST(Http1, a_bad_chunked_body_is_refused) {
  const std::pair<std::string, int> bodies[] = {
      {"x\r\n", 400},        {"\r\n", 400},         {"5\n", 400},       {"5\r\nhelloX", 400},
      {"5\r\nhello\n", 400}, {"-1\r\n", 400},       {"65\r\n", 413},    {"1000000000000000\r\n", 400},
      {"0x5\r\n", 400},      {"0\r\na\n\r\n", 400}, {"5 \rhello", 400}, {"ffffffffffffff\r\n", 413},
  };
  for (const auto& [body, status] : bodies) {
    std::vector<uint8_t> out;
    const auto fed = ChunkedDecoder(100).feed(as_bytes(body), out);
    ASSERT_FALSE(fed) << body;
    EXPECT_EQ(fed.error().status, status) << body;
  }
  std::vector<uint8_t> out;
  EXPECT_FALSE(ChunkedDecoder(100).feed(as_bytes("0\r\n" + std::string(5000, 't')), out));
}

TEST(Http1, a_chunked_body_without_end_goes_on_and_its_extensions_are_forgiven_by_its_content) {
  ChunkedDecoder decoder(ChunkedDecoder::no_end);
  size_t content = 0;
  for (int i = 0; i < 10'000; ++i) {
    std::vector<uint8_t> out;
    ASSERT_TRUE(decoder.feed(as_bytes("10;0123456789abcde\r\n0123456789abcdef\r\n"), out)) << i;
    content += out.size();
  }
  EXPECT_EQ(content, 160'000u);
  std::vector<uint8_t> out;
  EXPECT_FALSE(decoder.feed(as_bytes("1;" + std::string(5000, 'e')), out));
}

struct Answer {
  explicit Answer(std::string text, AnswerTo request = AnswerTo::other)
      : text(std::move(text)), result(parse_response_head(this->text, request, head)) {}
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  std::string text;
  ResponseHead head;
  Result<void, Refusal> result;
};

TEST(Http1Response, a_head_is_read_with_its_names_in_lower_case) {
  const Answer answer("HTTP/1.1 206 Partial \xc3\xa4\r\nETag: \"x\"\r\nContent-Length: 12\r\n\r\n");
  ASSERT_TRUE(answer.result);
  EXPECT_EQ(answer.head.status, 206);
  ASSERT_EQ(answer.head.headers.size(), 2u);
  EXPECT_EQ(answer.head.headers[0].name, "etag");
  EXPECT_EQ(answer.head.headers[0].value, "\"x\"");
  EXPECT_EQ(answer.head.body, BodyCoding::content_length);
  EXPECT_EQ(answer.head.content_length, 12u);
  EXPECT_EQ(answer.head.persistence, Persistence::keep_alive);
}

TEST(Http1Response, the_body_is_delimited_as_the_request_and_the_status_say) {
  EXPECT_EQ(Answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n").head.body, BodyCoding::chunked);
  const Answer close("HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(close.head.body, BodyCoding::until_close);
  EXPECT_EQ(close.head.persistence, Persistence::close);
  for (const std::string field : {"Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"}) {
    EXPECT_EQ(Answer("HTTP/1.1 200 OK\r\n" + field + "\r\n", AnswerTo::head).head.body, BodyCoding::none);
    EXPECT_EQ(Answer("HTTP/1.1 304 Not Modified\r\n" + field + "\r\n").head.body, BodyCoding::none);
  }
  EXPECT_EQ(Answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", AnswerTo::head).head.content_length, 5u);
  EXPECT_EQ(Answer("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n").head.body, BodyCoding::none);
  EXPECT_EQ(Answer("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n").head.body, BodyCoding::none);
}

TEST(Http1Response, persistence_follows_version_and_connection) {
  const std::string rest = " 200 OK\r\nContent-Length: 0\r\n";
  EXPECT_EQ(Answer("HTTP/1.0" + rest + "\r\n").head.persistence, Persistence::close);
  EXPECT_EQ(Answer("HTTP/1.0" + rest + "Connection: keep-alive\r\n\r\n").head.persistence, Persistence::keep_alive);
  EXPECT_EQ(Answer("HTTP/1.1" + rest + "Connection: close\r\n\r\n").head.persistence, Persistence::close);
}

TEST(Http1Response, what_could_be_read_in_two_ways_is_refused) {
  const std::string fields[] = {
      "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
      "Content-Length: 1\r\nContent-Length: 1\r\n",
      "Content-Length: 1, 1\r\n",
      "Content-Length: -1\r\n",
      "Transfer-Encoding: gzip, chunked\r\n",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
      "Name : value\r\n",
      "Name: a\r\n folded\r\n",
      "Name: a\nOther: b\r\n",
      std::string("Name: a\0b\r\n", 11),
  };
  for (const auto& field : fields) EXPECT_FALSE(Answer("HTTP/1.1 200 OK\r\n" + field + "\r\n").result) << field;
  EXPECT_FALSE(Answer("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").result);
  EXPECT_FALSE(Answer("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n").result);
  EXPECT_FALSE(Answer("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n").result);
  EXPECT_FALSE(Answer("HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n").result);
}

TEST(Http1Response, a_bad_status_line_is_refused) {
  for (const std::string line : {"HTTP/1.1 200", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 099 x",
                                 "HTTP/1.1 600 x", "HTTP/2.0 200 OK", "http/1.1 200 OK", "HTTP/1.1  200 OK",
                                 "HTTP/1.1 2x0 OK", "HTTP/1.1 200 O\rK", "ICY 200 OK", "", "HTTP/1.x 200 OK"}) {
    EXPECT_FALSE(Answer(line + "\r\n\r\n").result) << line;
  }
  EXPECT_TRUE(Answer("HTTP/1.1 200 \r\n\r\n").result) << "an empty reason is one";
  EXPECT_FALSE(Answer("HTTP/1.1 200 OK\n\n").result);
}

TEST(Http1, the_way_back_is_written) {
  std::string out;
  append_status_line(out, 206);
  append_status_line(out, 299);
  append_field(out, "etag", "\"x\"");
  append_chunk_size(out, 4096);
  EXPECT_EQ(out, "HTTP/1.1 206 Partial Content\r\nHTTP/1.1 299 \r\netag: \"x\"\r\n1000\r\n");
}

}  // namespace
}  // namespace klieg::wire::http1
