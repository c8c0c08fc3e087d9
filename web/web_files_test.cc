// The embedded pages are what Vite built, in both their forms.
#include "cli/web_files.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <string>

namespace klieg::cli {
namespace {

std::string_view text_of(ByteView content) { return {reinterpret_cast<const char*>(content.data()), content.size()}; }

const WebFile* find(std::string_view path) {
  const auto files = web_files();
  const auto found = std::ranges::find(files, path, &WebFile::path);
  return found == files.end() ? nullptr : &*found;
}

std::string gunzip(ByteView compressed, size_t size_expected) {
  std::string out(size_expected + 1, '\0');
  z_stream stream{};
  stream.next_in = const_cast<Bytef*>(compressed.data());
  stream.avail_in = static_cast<uInt>(compressed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);  // 16: gzip framing
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST(web_files, the_page_is_there_and_names_only_assets_that_are_there) {
  const WebFile* page = find("/index.html");
  ASSERT_NE(page, nullptr);
  EXPECT_EQ(page->content_type, "text/html; charset=utf-8");
  const std::string_view html = text_of(page->content);
  size_t named = 0;
  for (size_t at = html.find("\"/assets/"); at != html.npos; at = html.find("\"/assets/", at + 1), ++named) {
    const std::string_view path = html.substr(at + 1, html.find('"', at + 1) - at - 1);
    EXPECT_NE(find(path), nullptr) << path;
  }
  EXPECT_GE(named, 2u) << "a script and a style sheet";
}

TEST(web_files, the_page_names_nothing_from_elsewhere) {
  const std::string_view html = text_of(find("/index.html")->content);
  EXPECT_EQ(html.find("http:"), html.npos);
  EXPECT_EQ(html.find("https:"), html.npos);
}

TEST(web_files, every_text_is_also_there_compressed_and_says_the_same) {
  for (const WebFile& file : web_files()) {
    SCOPED_TRACE(file.path);
    ASSERT_FALSE(file.content.empty());
    if (!file.gzip.empty()) {
      EXPECT_EQ(gunzip(file.gzip, file.content.size()), text_of(file.content));
    } else {
      EXPECT_FALSE(file.content_type.starts_with("text/"));
    }
  }
}

TEST(web_files, files_come_in_order_of_path_and_once) {
  EXPECT_EQ(std::ranges::adjacent_find(web_files(), std::ranges::greater_equal{}, &WebFile::path), web_files().end());
}

}  // namespace
}  // namespace klieg::cli
