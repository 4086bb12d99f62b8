#include "media_fixture.hpp"

#include <catch2/catch.hpp>

namespace weft::test {
namespace {

const std::string kAdmin = "/_synapse/admin/v1";

struct AdminFixture : MediaFixture {
    int status_of(const std::string& id) { return fetch("bob", download_path(id)).status; }
    Got act(const std::string& path) { return send("admin", kAdmin + path); }
    Got remove(const std::string& path) {
        return ask(*master, http::Method::kDelete, "admin", kAdmin + path);
    }
    std::string count(const std::string& table) {
        return sql("SELECT count(*) FROM " + table).front().front();
    }
};

}  // namespace

TEST_CASE("quarantined media are gone until they are released, with all of the same content") {
    AdminFixture server;
    const auto id = server.upload("alice", "bad");
    const auto same = server.upload("bob", "bad");
    const auto other = server.upload("alice", "good");

    CHECK(server.act("/media/quarantine/test/" + id).status == 200);
    CHECK(server.status_of(id) == 404);
    CHECK(server.status_of(same) == 404);
    CHECK(server.status_of(other) == 200);
    CHECK(server.sql("SELECT quarantined_by FROM local_media_repository WHERE media_id = '" + id + "'")
              .front()
              .front() == "@admin:test");
    CHECK(server.act("/media/unquarantine/test/" + id).status == 200);
    CHECK(server.status_of(id) == 200);
}

TEST_CASE("all media of a user or a room are quarantined but for the protected ones") {
    AdminFixture server;
    const auto room = server.create_room("alice");
    const auto shown = server.upload("alice", "1");
    const auto preview = server.upload("alice", "2");
    const auto safe = server.upload("alice", "3");
    const auto of_bob = server.upload("bob", "4");
    CHECK(server.act("/media/protect/" + safe).status == 200);
    server.put("alice", "/rooms/" + http::percent_encode(room) + "/send/m.room.message/1",
               fmt::format(R"({{"msgtype": "m.image", "body": "x", "url": "mxc://test/{}",
                               "info": {{"thumbnail_url": "mxc://test/{}"}}}})",
                           shown, preview));
    server.put("alice", "/rooms/" + http::percent_encode(room) + "/send/m.room.message/2",
               R"({"msgtype": "m.image", "body": "x", "url": "mxc://far.example/theirs"})");

    const auto listed =
        server.fetch("admin", kAdmin + "/room/" + http::percent_encode(room) + "/media").json();
    CHECK(listed.at("local").as_array().size() == 2);
    CHECK(listed.at("remote").as_array() == boost::json::array{"mxc://far.example/theirs"});
    CHECK(server.act("/room/" + http::percent_encode(room) + "/media/quarantine")
              .json()
              .at("num_quarantined")
              .to_number<int>() == 2);
    CHECK(server.status_of(shown) == 404);
    CHECK(server.status_of(preview) == 404);
    CHECK(server.status_of(safe) == 200);

    const auto more = server.upload("alice", "5");
    CHECK(
        server.act("/user/%40alice%3Atest/media/quarantine").json().at("num_quarantined").to_number<int>() ==
        1);
    CHECK(server.status_of(more) == 404);
    CHECK(server.status_of(safe) == 200);
    CHECK(server.status_of(of_bob) == 200);
}

TEST_CASE("a user's media are listed in pages and deleted with their files") {
    AdminFixture server;
    for (const auto* content : {"a", "bb", "ccc"})
        server.upload("alice", content, "text/plain", "?filename=n");
    const auto list = [&](const std::string& query) {
        return server.fetch("admin", kAdmin + "/users/%40alice%3Atest/media?" + query).json();
    };

    const auto page = list("limit=2&order_by=media_length&dir=b");
    CHECK(page.at("total").as_int64() == 3);
    CHECK(page.at("next_token").as_int64() == 2);
    CHECK(page.at("media").at(0).at("media_length").as_int64() == 3);
    CHECK(page.at("media").at(0).at("upload_name").as_string() == "n");
    CHECK(list("from=2").at("media").as_array().size() == 1);
    CHECK(server.fetch("admin", kAdmin + "/users/%40alice%3Atest/media?order_by=password").errcode() ==
          "M_INVALID_PARAM");

    const auto id = std::string{page.at("media").at(0).at("media_id").as_string()};
    const auto deleted = server.remove("/media/test/" + id).json();
    CHECK(deleted.at("total").to_number<int>() == 1);
    CHECK(server.status_of(id) == 404);
    CHECK(server.remove("/media/test/" + id).errcode() == "M_NOT_FOUND");
    CHECK(server.remove("/media/far.example/" + id).status == 400);
    CHECK(server.remove("/users/%40alice%3Atest/media").json().at("total").to_number<int>() == 2);
    CHECK(server.count("local_media_repository") == "0");
    for (const auto& entry : std::filesystem::recursive_directory_iterator{server.root})
        CHECK_FALSE(entry.is_regular_file());
}

TEST_CASE("old media are deleted by age and size, people's avatars are kept") {
    AdminFixture server;
    const auto avatar = server.upload("alice", "avatar");
    const auto large = server.upload("alice", std::string(1'000, 'x'));
    const auto small = server.upload("alice", "x");
    server.sql("INSERT INTO profiles (user_id, avatar_url) VALUES ('alice', 'mxc://test/" + avatar + "')");
    const auto later = std::to_string(server.master->clock.now_ms() + 1'000);

    CHECK(server.act("/media/delete").errcode() == "M_MISSING_PARAM");
    CHECK(server.act("/media/delete?before_ts=1000").errcode() == "M_INVALID_PARAM");
    CHECK(server.act("/media/delete?before_ts=" + later + "&size_gt=500")
              .json()
              .at("deleted_media")
              .as_array() == boost::json::array{large});
    CHECK(server.act("/media/test/delete?before_ts=" + later).json().at("deleted_media").as_array() ==
          boost::json::array{small});
    CHECK(server.status_of(avatar) == 200);
    CHECK(server.act("/media/delete?before_ts=" + later + "&keep_profiles=false")
              .json()
              .at("total")
              .to_number<int>() == 1);
}

TEST_CASE("cached media of other servers are purged by age") {
    AdminFixture server;
    server.sql(
        "INSERT INTO remote_media_cache (media_origin, media_id, media_type, created_ts, media_length, "
        "filesystem_id, last_access_ts) "
        "VALUES ('far.example', 'old', 'image/png', 1, 3, 'abcdefgh', 1), ('far.example', 'new', "
        "'image/png', 1, 3, 'abcdefgi', 99999999999999)");
    server.write_file("remote_content/far.example/ab/cd/efgh", "far");

    CHECK(server.act("/purge_media_cache?before_ts=1700000000000").json().at("deleted").as_int64() == 1);
    CHECK(server.sql("SELECT media_id FROM remote_media_cache").front().front() == "new");
    CHECK_FALSE(std::filesystem::exists(server.root / "remote_content/far.example/ab/cd/efgh"));
}

}  // namespace weft::test
