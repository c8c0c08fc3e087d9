#include "ingest/stream_address.h"

#include <gtest/gtest.h>

namespace klieg::ingest {
namespace {

// Without its parameters, which have a test of their own.
StreamAddress address(std::string_view tc_url, std::string_view app, std::string_view name) {
  StreamAddress address = read_stream_address(tc_url, app, name);
  address.parameters = "";
  return address;
}
const StreamAddress found{"live", "KEY"};

TEST(StreamAddress, two_boxes_as_in_obs) { EXPECT_EQ(address("rtmp://host/live", "live", "KEY"), found); }

TEST(StreamAddress, one_string_split_by_the_encoder) {
  EXPECT_EQ(address("rtmp://host:1935/live", "live", "KEY"), found);
  EXPECT_EQ(address("rtmp://host/live/instance", "live/instance", "KEY"), found);
}

TEST(StreamAddress, one_string_left_whole_in_the_first_box) {
  EXPECT_EQ(address("rtmp://host/live/KEY", "live/KEY", ""), found);
  EXPECT_EQ(address("rtmp://host/live/KEY/", "live/KEY/", ""), found);
  EXPECT_EQ(address("rtmp://host/live/KEY", "live", ""), found);
  EXPECT_EQ(address("rtmp://host/live/KEY", "", ""), found);
}

TEST(StreamAddress, a_parameter_of_either_box) {
  EXPECT_EQ(address("rtmp://host/live", "live", "camera?key=KEY"), found);
  EXPECT_EQ(address("rtmp://host/live", "live", "?token=KEY"), found);
  EXPECT_EQ(address("rtmp://host/live?key=KEY", "live?key=KEY", ""), found);
  EXPECT_EQ(address("rtmp://host/live?key=KEY", "live", "anything"), found);
  EXPECT_EQ(address("rtmp://host/live?a=b&streamkey=KEY&c", "live?a=b&streamkey=KEY&c", ""), found);
  EXPECT_EQ(address("rtmp://host/live/?key=KEY", "live/?key=KEY", ""), found);
}

TEST(StreamAddress, what_stands_behind_the_second_box_stays_as_it_is) {
  EXPECT_EQ(read_stream_address("rtmp://host/live?a=b", "live?a=b", "x?key=KEY&c=%20").parameters, "key=KEY&c=%20");
  EXPECT_EQ(read_stream_address("rtmp://host/live?a=b", "live?a=b", "KEY").parameters, "");
}

TEST(StreamAddress, the_second_box_goes_before_the_first) {
  EXPECT_EQ(address("rtmp://host/live?key=OTHER", "live?key=OTHER", "x?key=KEY"), found);
}

TEST(StreamAddress, other_parameters_are_no_part_of_the_key) {
  EXPECT_EQ(address("rtmp://host/live", "live", "KEY?bandwidthtest=true"), found);
  EXPECT_EQ(address("rtmp://host/live", "live", "KEY?key="), found);
}

TEST(StreamAddress, a_key_with_escaped_signs_in_a_parameter) {
  EXPECT_EQ(address("rtmp://host/live?key=a%2Fb%26c%", "live", "").key, "a/b&c%");
}

TEST(StreamAddress, everything_in_the_second_box) { EXPECT_EQ(address("rtmp://host", "", "live/KEY").key, "KEY"); }

TEST(StreamAddress, no_key_at_all) {
  EXPECT_EQ(address("rtmp://host/live", "live", ""), (StreamAddress{"live", ""}));
  EXPECT_EQ(address("", "", ""), (StreamAddress{"", ""}));
  EXPECT_EQ(address("rtmp://host", "", "/"), (StreamAddress{"", ""}));
}

}  // namespace
}  // namespace klieg::ingest
