#pragma once

#include <map>
#include <string>

#include "sync_client.hpp"
#include "weft/proto/crypto.hpp"
#include "weft/proto/e2e_keys.hpp"

namespace weft::test {

/// A homeserver with devices that can have keys. A user's token is `<localpart>/<device>`.
struct E2eFixture : HomeserverFixture {
    using HomeserverFixture::HomeserverFixture;

    void add_device(const std::string& user, const std::string& device, const std::string& name = "phone") {
        sql(
            fmt::format("INSERT INTO devices (user_id, device_id, display_name, hidden) "
                        "VALUES ('@{}:test', '{}', '{}', FALSE)",
                        user, device, name));
    }

    static boost::json::object device_keys(const std::string& user, const std::string& device,
                                           const std::string& key = "identity") {
        const auto user_id = "@" + user + ":test";
        return {{"user_id", user_id},
                {"device_id", device},
                {"algorithms", boost::json::array{"m.olm.v1.curve25519-aes-sha2"}},
                {"keys", {{"ed25519:" + device, key}}},
                {"signatures", {{user_id, {{"ed25519:" + device, "signature"}}}}}};
    }
    Answer upload(const std::string& token, const boost::json::object& body) {
        return post(token, "/keys/upload", proto::to_json(body));
    }
    /// Makes the device and publishes its identity.
    void publish(const std::string& user, const std::string& device) {
        add_device(user, device);
        REQUIRE(upload(user + "/" + device, {{"device_keys", device_keys(user, device)}}).status == 200);
    }

    boost::json::object query(const std::string& token, const std::string& device_keys) {
        const auto answer = post(token, "/keys/query", R"({"device_keys": )" + device_keys + "}");
        REQUIRE(answer.status == 200);
        return answer.body;
    }
};

inline std::string json_at(const boost::json::object& object, std::initializer_list<std::string_view> path) {
    const auto* const found = part(object, path);
    return found ? proto::to_json(*found) : "";
}

}  // namespace weft::test
