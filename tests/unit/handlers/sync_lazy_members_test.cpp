#include "sync/lazy_members.hpp"

#include <catch2/catch.hpp>

using weft::handlers::LazyMembers;

TEST_CASE("a device is sent a member once it has not shown to have it", "[lazy_members]") {
    LazyMembers lazy;

    CHECK(lazy.take({"phone", 0, 10}, "room alice", "$1"));
    CHECK(lazy.take({"phone", 5, 11}, "room alice", "$1"));  // the answer with token 10 was lost
    CHECK_FALSE(lazy.take({"phone", 11, 12}, "room alice", "$1"));
    CHECK(lazy.take({"phone", 12, 13}, "room alice", "$2"));
    CHECK(lazy.take({"phone", 13, 14}, "room bob", "$3"));
    CHECK(lazy.take({"laptop", 13, 14}, "room alice", "$2"));
}

TEST_CASE("a device that begins anew has nothing", "[lazy_members]") {
    LazyMembers lazy;
    lazy.take({"phone", 0, 10}, "room alice", "$1");
    lazy.take({"laptop", 0, 10}, "room alice", "$1");

    lazy.reset("phone");

    CHECK(lazy.take({"phone", 10, 11}, "room alice", "$1"));
    CHECK_FALSE(lazy.take({"laptop", 10, 11}, "room alice", "$1"));
}
