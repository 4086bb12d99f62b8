#include <catch2/catch.hpp>

#include "postgres_fixture.hpp"
#include "weft/storage/access_token_store.hpp"
#include "weft/storage/client_ip_store.hpp"
#include "weft/storage/filter_store.hpp"
#include "weft/storage/profile_store.hpp"
#include "weft/storage/registration_token_store.hpp"
#include "weft/storage/store_error.hpp"
#include "weft/storage/user_store.hpp"

using namespace weft;
using test::StorageFixture;
using Strings = std::vector<std::string>;

namespace {

storage::NewUser alice() {
    storage::NewUser user;
    user.user_id = "@alice:test";
    user.password_hash = "hash";
    user.displayname = "Alice";
    return user;
}

/// Cache invalidation rows as "name key".
Strings cache_rows(const StorageFixture& fixture) {
    Strings rows;
    for (const auto& row :
         fixture.sql("SELECT cache_func || ' ' || keys[1] FROM cache_invalidation_stream_by_instance "
                     "ORDER BY stream_id")) {
        rows.push_back(row.front());
    }
    return rows;
}

}  // namespace

TEST_CASE("a user is created once, in whichever letter case") {
    StorageFixture fixture;
    storage::UserStore users{fixture.context()};

    CHECK(fixture.run(users.create_user(alice())));
    CHECK_FALSE(fixture.run(users.create_user(alice())));
    auto shouting = alice();
    shouting.user_id = "@ALICE:test";
    CHECK_FALSE(fixture.run(users.create_user(shouting)));

    const auto user = fixture.run(users.get_user("@alice:test"));
    REQUIRE(user != nullptr);
    CHECK(user->password_hash == "hash");
    CHECK(user->creation_ts_s == fixture.clock.now_ms() / 1000);
    CHECK_FALSE(user->admin);
    CHECK(fixture.run(users.find_case_insensitive("@Alice:test")) == Strings{"@alice:test"});
    CHECK(fixture.run(users.count_users()) == 1);
}

TEST_CASE("a new user has a profile under the localpart") {
    StorageFixture fixture;
    storage::UserStore users{fixture.context()};
    storage::ProfileStore profiles{fixture.context()};

    fixture.run(users.create_user(alice()));

    const auto profile = fixture.run(profiles.get("alice"));
    REQUIRE(profile != nullptr);
    CHECK(profile->displayname == "Alice");
    CHECK_FALSE(profile->avatar_url.has_value());
}

TEST_CASE("an unknown user is not remembered as unknown") {
    StorageFixture fixture;
    storage::UserStore users{fixture.context()};

    CHECK(fixture.run(users.get_user("@alice:test")) == nullptr);
    fixture.run(users.create_user(alice()));

    CHECK(fixture.run(users.get_user("@alice:test")) != nullptr);
}

TEST_CASE("changes of a user reach the caches of this process and leave rows for the others") {
    StorageFixture fixture;
    storage::UserStore users{fixture.context()};
    fixture.run(users.create_user(alice()));
    CHECK_FALSE(fixture.run(users.is_deactivated("@alice:test")));

    CHECK(fixture.run(users.set_password_hash("@alice:test", std::nullopt)));
    CHECK(fixture.run(users.set_admin("@alice:test", true)));
    CHECK(fixture.run(users.set_deactivated("@alice:test", true)));
    CHECK_FALSE(fixture.run(users.set_admin("@nobody:test", true)));

    const auto user = fixture.run(users.get_user("@alice:test"));
    CHECK_FALSE(user->password_hash.has_value());
    CHECK(user->admin);
    CHECK(fixture.run(users.is_deactivated("@alice:test")));
    CHECK(cache_rows(fixture) == Strings{"get_user_by_id @alice:test",  // made
                                         "get_user_by_id @alice:test", "get_user_by_id @alice:test",
                                         "get_user_by_id @alice:test",
                                         "get_user_deactivated_status @alice:test"});
}

TEST_CASE("users are listed by name, with filters") {
    StorageFixture fixture;
    storage::UserStore users{fixture.context()};
    for (const auto* name : {"@carol:test", "@alice:test", "@bob:test"}) {
        storage::NewUser user;
        user.user_id = name;
        user.guest = user.user_id == "@bob:test";
        fixture.run(users.create_user(user));
    }
    fixture.run(users.set_deactivated("@carol:test", true));
    const auto names = [&](storage::UserListQuery query) {
        Strings out;
        for (const auto& user : fixture.run(users.list_users(query))) out.push_back(user.user_id);
        return out;
    };

    storage::UserListQuery all;
    all.include_deactivated = true;
    CHECK(names(all) == Strings{"@alice:test", "@bob:test", "@carol:test"});
    all.offset = 1;
    all.limit = 1;
    CHECK(names(all) == Strings{"@bob:test"});
    storage::UserListQuery no_guests;
    no_guests.include_guests = false;
    CHECK(names(no_guests) == Strings{"@alice:test"});
    storage::UserListQuery search;
    search.search = "ALI";
    CHECK(names(search) == Strings{"@alice:test"});
}

TEST_CASE("an access token leads to its owner until it is deleted") {
    StorageFixture fixture;
    storage::UserStore users{fixture.context()};
    storage::AccessTokenStore tokens{fixture.context()};
    fixture.run(users.create_user(alice()));

    const auto first = fixture.run(tokens.add_token({"@alice:test", "secret", "DEV", 5000}));
    const auto second = fixture.run(tokens.add_token({"@alice:test", "other", std::nullopt, std::nullopt}));
    CHECK(second > first);
    const auto owner = fixture.run(tokens.get_user_by_access_token("secret"));
    REQUIRE(owner != nullptr);
    CHECK(owner->user_id == "@alice:test");
    CHECK(owner->token_id == first);
    CHECK(owner->device_id == "DEV");
    CHECK(owner->valid_until_ms == 5000);
    CHECK(fixture.run(tokens.get_user_by_access_token("wrong")) == nullptr);

    CHECK(fixture.run(tokens.delete_token("secret")));
    CHECK_FALSE(fixture.run(tokens.delete_token("secret")));
    CHECK(fixture.run(tokens.get_user_by_access_token("secret")) == nullptr);
    CHECK(fixture.run(tokens.get_user_by_access_token("other")) != nullptr);
    CHECK(cache_rows(fixture) == Strings{"get_user_by_id @alice:test", "get_user_by_access_token secret"});
    CHECK_THROWS_AS(fixture.run(tokens.add_token({"@alice:test", "other", std::nullopt, std::nullopt})),
                    storage::UniqueViolation);
}

TEST_CASE("logging out everywhere deletes all tokens but the one that is kept, each with its row") {
    StorageFixture fixture;
    storage::UserStore users{fixture.context()};
    storage::AccessTokenStore tokens{fixture.context()};
    fixture.run(users.create_user(alice()));
    fixture.run(tokens.add_token({"@alice:test", "t1", "A", std::nullopt}));
    const auto kept = fixture.run(tokens.add_token({"@alice:test", "t2", "B", std::nullopt}));
    fixture.run(tokens.add_token({"@alice:test", "t3", "C", std::nullopt}));
    for (const auto* token : {"t1", "t2", "t3"}) fixture.run(tokens.get_user_by_access_token(token));

    CHECK(fixture.run(tokens.delete_tokens_of_devices("@alice:test", {"C", "unknown"})).size() == 1);
    const auto deleted = fixture.run(tokens.delete_tokens_of_user("@alice:test", kept));

    REQUIRE(deleted.size() == 1);
    CHECK(deleted[0].device_id == "A");
    CHECK(fixture.run(tokens.get_user_by_access_token("t1")) == nullptr);
    CHECK(fixture.run(tokens.get_user_by_access_token("t2")) != nullptr);
    CHECK(cache_rows(fixture) == Strings{"get_user_by_id @alice:test", "get_user_by_access_token t3",
                                         "get_user_by_access_token t1"});
    CHECK(fixture.run(tokens.delete_tokens_of_user("@alice:test")).size() == 1);
}

TEST_CASE("what a token's owner may do is read again when it has changed") {
    StorageFixture fixture;
    storage::UserStore users{fixture.context()};
    storage::AccessTokenStore tokens{fixture.context()};
    fixture.run(users.create_user(alice()));
    fixture.run(tokens.add_token({"@alice:test", "secret", std::nullopt, std::nullopt}));
    CHECK_FALSE(fixture.run(tokens.get_user_by_access_token("secret"))->admin);

    fixture.run(users.set_admin("@alice:test", true));
    fixture.run(tokens.forget_cached_tokens_of_user("@alice:test"));

    CHECK(fixture.run(tokens.get_user_by_access_token("secret"))->admin);
}

TEST_CASE("a registration token is good for as many registrations as it says") {
    StorageFixture fixture;
    storage::RegistrationTokenStore tokens{fixture.context()};
    CHECK(fixture.run(tokens.create({"abc", 2, 0, 0, std::nullopt})));
    CHECK_FALSE(fixture.run(tokens.create({"abc", 9, 0, 0, std::nullopt})));

    CHECK(fixture.run(tokens.is_valid("abc")));
    CHECK(fixture.run(tokens.reserve("abc")));
    CHECK(fixture.run(tokens.reserve("abc")));
    CHECK_FALSE(fixture.run(tokens.reserve("abc")));
    fixture.run(tokens.complete("abc"));
    fixture.run(tokens.release("abc"));

    CHECK(fixture.run(tokens.is_valid("abc")));
    const auto token = fixture.run(tokens.get("abc"));
    REQUIRE(token.has_value());
    CHECK(token->pending == 0);
    CHECK(token->completed == 1);
    CHECK(fixture.run(tokens.list()).size() == 1);
    CHECK(fixture.run(tokens.remove("abc")));
    CHECK_FALSE(fixture.run(tokens.is_valid("abc")));
}

TEST_CASE("a registration token ends at its expiry") {
    StorageFixture fixture;
    storage::RegistrationTokenStore tokens{fixture.context()};
    fixture.run(tokens.create({"abc", std::nullopt, 0, 0, fixture.clock.now_ms() + 1000}));
    CHECK(fixture.run(tokens.is_valid("abc")));

    fixture.clock.advance(core::Milliseconds{1000});

    CHECK_FALSE(fixture.run(tokens.is_valid("abc")));
    CHECK_FALSE(fixture.run(tokens.reserve("abc")));
}

TEST_CASE("a profile field is set and removed, and the cached profile follows") {
    StorageFixture fixture;
    storage::ProfileStore profiles{fixture.context()};
    CHECK(fixture.run(profiles.get("alice")) == nullptr);

    fixture.run(profiles.set_displayname("alice", "Alice"));
    CHECK(fixture.run(profiles.get("alice"))->displayname == "Alice");
    fixture.run(profiles.set_avatar_url("alice", "mxc://test/a"));
    fixture.run(profiles.set_displayname("alice", std::nullopt));

    const auto profile = fixture.run(profiles.get("alice"));
    CHECK_FALSE(profile->displayname.has_value());
    CHECK(profile->avatar_url == "mxc://test/a");
    CHECK(cache_rows(fixture).size() == 3);
}

TEST_CASE("the same filter has the same ID, another one the next") {
    StorageFixture fixture;
    storage::FilterStore filters{fixture.context()};

    const auto first = fixture.run(filters.add("alice", R"({"room":{}})"));
    CHECK(fixture.run(filters.get("alice", first + 1)) == nullptr);
    const auto second = fixture.run(filters.add("alice", R"({"presence":{"types":["é"]}})"));
    const auto again = fixture.run(filters.add("alice", R"({"room":{}})"));

    CHECK(first == 0);
    CHECK(second == 1);
    CHECK(again == first);
    CHECK(fixture.run(filters.add("bob", R"({"room":{}})")) == 0);
    REQUIRE(fixture.run(filters.get("alice", second)) != nullptr);
    CHECK(*fixture.run(filters.get("alice", second)) == R"({"presence":{"types":["é"]}})");
}

TEST_CASE("where a user was seen is kept once an address, and the device knows it too") {
    StorageFixture fixture;
    storage::ClientIpStore ips{fixture.context()};
    fixture.sql("INSERT INTO devices (user_id, device_id) VALUES ('@a:test', 'D')");

    fixture.run(ips.store({{"@a:test", "tok", "10.0.0.1", "old agent", "D", 1000},
                           {"@a:test", "tok", "10.0.0.1", "agent", "D", 2000},
                           {"@a:test", "tok", "10.0.0.2", "agent", std::nullopt, 3000}}));
    fixture.run(ips.store({{"@a:test", "tok", "10.0.0.2", "agent 2", std::nullopt, 4000}}));
    fixture.run(ips.store({}));

    const auto seen = fixture.run(ips.of_user("@a:test"));
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].ip == "10.0.0.2");
    CHECK(seen[0].last_seen_ms == 4000);
    CHECK(seen[1].user_agent == "agent");
    CHECK(fixture.sql("SELECT last_seen, ip, user_agent FROM devices") ==
          std::vector<Strings>{{"2000", "10.0.0.1", "agent"}});
}
