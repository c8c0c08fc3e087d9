#include "cli/site.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>

namespace klieg::cli {
namespace {

struct Live final : http::Handler {
  void serve(const http::Request& request, http::Responder responder) override {
    asked = request.path;
    responder.respond(http::Response::text(200, "live\n"));
  }
  std::string asked;
};

struct Answer final : http::Responder::Target {
  void respond(uint64_t, http::Response response) override { got = std::move(response); }
  std::optional<http::Response> got;
};

std::string header_of(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers->all()) {
    if (key == name) return value;
  }
  return "";
}

class SiteTest : public testing::Test {
 protected:
  http::Response get(std::string_view path, std::vector<http::HeaderView> headers = {}) {
    auto answer = std::make_shared<Answer>();
    http::Request request;
    request.path = path;
    request.headers = std::move(headers);
    site.serve(request, http::Responder(answer, 1));
    return std::move(*answer->got);
  }
  Live live;
  Site site{{"ada"}, live};
};

TEST_F(SiteTest, a_channel_has_a_page_and_a_stranger_has_the_same_page_with_404) {
  EXPECT_EQ(get("/@ada").status, 200);
  EXPECT_EQ(get("/").status, 200);
  EXPECT_EQ(get("/studio").status, 200);
  EXPECT_EQ(get("/studio/activity").status, 200);
  EXPECT_EQ(get("/studio/nothing").status, 404);
  EXPECT_EQ(get("/embed/@ada").status, 200);
  EXPECT_EQ(get("/@bob").status, 404);
  EXPECT_EQ(get("/embed/@bob").status, 404);
  EXPECT_EQ(get("/nothing").status, 404);
  EXPECT_EQ(header_of(get("/@bob"), "content-type").substr(0, 9), "text/html");
}

TEST_F(SiteTest, a_final_slash_changes_nothing_because_the_page_reads_its_address_so) {
  for (const char* path : {"/@ada/", "/embed/@ada/", "/studio/", "/studio/invites/", "/login/"})
    EXPECT_EQ(get(path).status, 200) << path;
  for (const char* path : {"/@bob/", "/@ada//", "//", "/nothing/"}) EXPECT_EQ(get(path).status, 404) << path;
}

TEST_F(SiteTest, what_is_live_goes_to_the_origin) {
  get("/live/ada/index.m3u8");
  EXPECT_EQ(live.asked, "/live/ada/index.m3u8");
  get("/time");
  EXPECT_EQ(live.asked, "/time");
}

TEST_F(SiteTest, a_page_is_revalidated_and_an_asset_never_changes) {
  const http::Response page = get("/@ada");
  EXPECT_EQ(header_of(page, "cache-control"), "no-cache");
  const std::string etag = header_of(page, "etag");
  EXPECT_EQ(get("/@ada", {{"if-none-match", etag}}).status, 304);
  for (const WebFile& file : web_files()) {
    if (file.path.starts_with("/assets/")) {
      EXPECT_NE(header_of(get(file.path), "cache-control").find("immutable"), std::string::npos) << file.path;
    }
  }
}

TEST_F(SiteTest, who_refuses_gzip_does_not_get_it) {
  EXPECT_EQ(header_of(get("/", {{"accept-encoding", "br, gzip;q=0"}}), "content-encoding"), "");
}

TEST_F(SiteTest, who_takes_gzip_gets_it) {
  const http::Response page = get("/", {{"accept-encoding", "br, gzip"}});
  EXPECT_EQ(header_of(page, "content-encoding"), "gzip");
  EXPECT_EQ(header_of(get("/"), "content-encoding"), "");
}

TEST_F(SiteTest, a_page_may_load_nothing_from_elsewhere) {
  EXPECT_NE(header_of(get("/@ada"), "content-security-policy").find("default-src 'self'"), std::string::npos);
}

TEST_F(SiteTest, other_sites_may_frame_the_picture_and_no_page_with_buttons) {
  for (const char* path : {"/", "/@ada", "/studio", "/login"}) {
    EXPECT_NE(header_of(get(path), "content-security-policy").find("frame-ancestors 'self'"), std::string::npos)
        << path;
  }
  EXPECT_EQ(header_of(get("/embed/@ada"), "content-security-policy").find("frame-ancestors"), std::string::npos);
}

}  // namespace
}  // namespace klieg::cli
