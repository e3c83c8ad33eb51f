#include "rustorch/model_io/common/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace rustorch::model_io {
namespace {

TEST(Json, WritesValuesInTheirOrder) {
  const Json value = Json::object({{"text", "a \"quoted\" line\n"},
                                   {"yes", true},
                                   {"small", -3},
                                   {"large", std::numeric_limits<std::uint64_t>::max()},
                                   {"real", 0.1},
                                   {"nothing", Json()},
                                   {"not a number", std::nan("")},
                                   {"list", std::vector<std::int64_t>{1, 2}},
                                   {"nested", Json::array({1, Json::object({{"b", 1}, {"a", 2}})})}});
  EXPECT_EQ(value.dump(),
            R"({"text":"a \"quoted\" line\n","yes":true,"small":-3,"large":18446744073709551615,"real":0.1,)"
            R"("nothing":null,"not a number":null,"list":[1,2],"nested":[1,{"b":1,"a":2}]})");
  EXPECT_EQ(Json::object({{"a", Json::array({1})}}).dump(2), "{\n  \"a\": [\n    1\n  ]\n}");
}

TEST(Json, ReadsWhatItWrote) {
  Json value = Json::object({{"count", 7}, {"third", 1.0 / 3}});
  value.set("names", Json::array({"x", "y"}));
  value.set("count", 8);
  const Json read = Json::parse(value.dump());
  EXPECT_EQ(read.size(), 3U);
  EXPECT_EQ(read.at("count").to_int64(), 8);
  EXPECT_EQ(read.at("count").to_uint64(), 8U);
  EXPECT_EQ(read.at("third").to_double(), 1.0 / 3);
  EXPECT_EQ(read.at("names").at(1).to_string(), "y");
  EXPECT_EQ(read.at("names").elements().size(), 2U);
  EXPECT_EQ(read.members()[1].first, "third");
  EXPECT_TRUE(read.contains("names"));
  EXPECT_FALSE(read.contains("name"));
  EXPECT_TRUE(Json::parse("null").is_null());
}

TEST(Json, CopiesAreIndependent) {
  Json one = Json::object({{"a", 1}});
  Json other = one;
  other.set("a", 2);
  EXPECT_EQ(one.at("a").to_int64(), 1);
  one = other;
  EXPECT_EQ(one.at("a").to_int64(), 2);
  const Json moved = std::move(other);
  EXPECT_EQ(moved.at("a").to_int64(), 2);
}

TEST(Json, WhatIsNotThereIsAnError) {
  const Json value = Json::object({{"a", "text"}, {"list", Json::array({1})}});
  EXPECT_THROW(value.at("b"), JsonError);
  EXPECT_THROW(value.at(0), JsonError);
  EXPECT_THROW(value.at("list").at(1), JsonError);
  EXPECT_THROW(value.at("a").to_int64(), JsonError);
  EXPECT_THROW(value.at("a").to_double(), JsonError);
  EXPECT_THROW(value.at("list").to_string(), JsonError);
  EXPECT_THROW(value.elements(), JsonError);
  EXPECT_THROW(value.at("list").members(), JsonError);
  EXPECT_THROW(Json(1).push_back(2), JsonError);
  EXPECT_THROW(Json(1).set("a", 2), JsonError);
  for (const char* text : {"", "{", "[1,]", "{\"a\":1} x", "'a'"})
    EXPECT_THROW(Json::parse(text), JsonError) << text;
}

}  // namespace
}  // namespace rustorch::model_io
