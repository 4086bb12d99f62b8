#include "weft/handlers/e2e/device_keys.hpp"

#include <set>

#include <fmt/format.h>

#include "weft/core/errors.hpp"
#include "weft/proto/e2e_keys.hpp"
#include "weft/proto/ids.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {

namespace json = boost::json;
using core::MatrixError;

namespace {

/// Parses `one_time_keys` or `fallback_keys`.
std::vector<storage::OneTimeKey> parse_keys(const json::object& keys) {
    std::vector<storage::OneTimeKey> out;
    for (const auto& [name, key] : keys) {
        const auto parsed = proto::parse_key_name(name);
        if (!parsed)
            throw MatrixError::bad_json(
                fmt::format("key {}: {}", std::string_view{name}, parsed.error().message));
        if (const auto checked = proto::check_one_time_key(key); !checked)
            throw MatrixError::bad_json(
                fmt::format("key {}: {}", std::string_view{name}, checked.error().message));
        out.push_back({parsed->algorithm, parsed->id, proto::canonical_json(key)});
    }
    return out;
}

void check_one_an_algorithm(const std::vector<storage::OneTimeKey>& keys) {
    std::set<std::string_view> algorithms;
    for (const auto& key : keys) {
        if (!algorithms.insert(key.algorithm).second)
            throw MatrixError::bad_json(fmt::format("more than one fallback key of {}", key.algorithm));
    }
}

/// Devices and keys of a server that cannot be asked.
void add_failure(json::object& failures, std::string_view user_id) {
    const auto user = proto::UserId::parse(user_id);
    failures[user->server_name()] = json::object{{"status", 503}, {"message", "This server cannot be reached"}};
}

json::object parse_stored(const std::string& text) {
    auto object = proto::parse_json_object(text);
    return object ? std::move(*object) : json::object{};
}

json::object& object_at(json::object& parent, std::string_view key) {
    auto& value = parent[key];
    if (!value.is_object()) value = json::object();
    return value.get_object();
}

}  // namespace

struct DeviceKeys::Answer {
    json::object device_keys, master_keys, self_signing_keys, user_signing_keys, failures;
};

DeviceKeys::DeviceKeys(storage::E2eKeyStore& keys, storage::CrossSigningStore& cross_signing,
                       storage::DeviceStore& devices, std::string server_name)
    : keys_{keys}, cross_signing_{cross_signing}, devices_{devices}, server_name_{std::move(server_name)} {}

bool DeviceKeys::is_local(const std::string& user_id) const {
    const auto parsed = proto::UserId::parse(user_id);
    if (!parsed) throw MatrixError::invalid_param(fmt::format("{} is not a user ID", user_id));
    return parsed->server_name() == server_name_;
}

Task<storage::DeviceKeyCounts> DeviceKeys::upload(std::string user_id, std::string device_id, Upload upload) {
    storage::KeyUpload keys;
    keys.user_id = user_id;
    keys.device_id = device_id;
    if (upload.device_keys) {
        const auto checked = proto::check_device_keys(*upload.device_keys, user_id, device_id);
        if (!checked) throw MatrixError::bad_json("device_keys: " + checked.error().message);
        upload.device_keys->erase("unsigned");  // that is for the server to say
        keys.device_keys = proto::canonical_json(*upload.device_keys);
    }
    keys.one_time_keys = parse_keys(upload.one_time_keys);
    keys.fallback_keys = parse_keys(upload.fallback_keys);
    check_one_an_algorithm(keys.fallback_keys);

    auto outcome = co_await keys_.upload(std::move(keys));
    if (!outcome.device_exists) throw MatrixError::unknown_token();
    if (const auto& taken = outcome.conflict) {
        throw MatrixError::unknown(fmt::format("One time key {}:{} already exists, and is another one",
                                               taken->algorithm, taken->key_id));
    }
    if (outcome.device_keys_changed) {
        std::vector<std::string> changed{std::move(device_id)};
        co_await devices_.add_changes(std::move(user_id), std::move(changed), {});
    }
    co_return std::move(outcome.counts);
}

Task<json::object> DeviceKeys::query(std::string viewer, Query query) {
    Answer answer;
    std::vector<std::string> users;
    std::vector<storage::DeviceKeysWanted> wanted;
    for (auto& [user_id, device_ids] : query) {
        if (!is_local(user_id)) {
            add_failure(answer.failures, user_id);
            continue;
        }
        users.push_back(user_id);
        answer.device_keys[user_id] = json::object();
        if (device_ids.empty()) wanted.push_back({user_id, std::nullopt});
        for (auto& device_id : std::set<std::string>(device_ids.begin(), device_ids.end()))
            wanted.push_back({user_id, device_id});
    }
    co_await add_device_keys(std::move(wanted), answer);
    co_await add_cross_signing_keys(std::move(users), std::move(viewer), answer);
    co_return json::object{{"device_keys", std::move(answer.device_keys)},
                           {"failures", std::move(answer.failures)},
                           {"master_keys", std::move(answer.master_keys)},
                           {"self_signing_keys", std::move(answer.self_signing_keys)},
                           {"user_signing_keys", std::move(answer.user_signing_keys)}};
}

Task<void> DeviceKeys::add_device_keys(std::vector<storage::DeviceKeysWanted> wanted, Answer& answer) {
    for (const auto& device : co_await keys_.device_keys(std::move(wanted))) {
        auto keys = parse_stored(device.json);
        json::object from_server;
        if (device.display_name) from_server["device_display_name"] = *device.display_name;
        keys["unsigned"] = std::move(from_server);
        object_at(answer.device_keys, device.user_id)[device.device_id] = std::move(keys);
    }
}

/// "Key and signature security": a user's own signatures, and what others signed of their own; never what
/// others say about third parties.
Task<void> DeviceKeys::add_cross_signing_keys(std::vector<std::string> users, std::string viewer,
                                              Answer& answer) {
    std::map<std::pair<std::string, std::string>, json::object*> by_public_key;
    for (const auto& stored : co_await cross_signing_.keys(users)) {
        auto* const section = stored.type == "master"         ? &answer.master_keys
                              : stored.type == "self_signing" ? &answer.self_signing_keys
                              : stored.type == "user_signing" ? &answer.user_signing_keys
                                                              : nullptr;
        if (!section || (section == &answer.user_signing_keys && stored.user_id != viewer)) continue;
        (*section)[stored.user_id] = parse_stored(stored.json);
    }
    for (auto& [user_id, key] : answer.master_keys) {
        const auto parsed = proto::parse_cross_signing_key(key.get_object(), user_id, "master");
        if (parsed) by_public_key[{std::string{user_id}, parsed->public_key}] = &key.get_object();
    }
    for (const auto& signature : co_await cross_signing_.signatures(users, viewer)) {
        const auto master = by_public_key.find({signature.target_user_id, signature.target_id});
        if (master != by_public_key.end()) {
            proto::add_signature(*master->second, signature.signer, signature.key_id, signature.signature);
            continue;
        }
        if (signature.signer != signature.target_user_id) continue;
        auto& devices = object_at(answer.device_keys, signature.target_user_id);
        if (const auto device = devices.find(signature.target_id); device != devices.end()) {
            proto::add_signature(device->value().get_object(), signature.signer, signature.key_id,
                                 signature.signature);
        }
    }
}

Task<json::object> DeviceKeys::claim(std::vector<storage::KeyClaim> claims) {
    json::object failures;
    std::erase_if(claims, [&](const storage::KeyClaim& claim) {
        if (is_local(claim.user_id)) return false;
        add_failure(failures, claim.user_id);
        return true;
    });
    json::object keys;
    for (const auto& claimed : co_await keys_.claim(std::move(claims))) {
        auto& of_device = object_at(object_at(keys, claimed.user_id), claimed.device_id);
        const auto key = proto::parse_json(claimed.key.json);
        of_device[claimed.key.algorithm + ":" + claimed.key.key_id] = key ? *key : json::value();
    }
    co_return json::object{{"failures", std::move(failures)}, {"one_time_keys", std::move(keys)}};
}

}  // namespace weft::handlers
