#include "weft/handlers/e2e/room_key_backup.hpp"

#include <charconv>

#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {

using core::MatrixError;

namespace {

MatrixError unknown_version() {
    return MatrixError::not_found("Unknown backup version");
}

std::int64_t parse_version(std::string_view text) {
    std::int64_t version = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
    if (error != std::errc{} || end != text.data() + text.size()) throw unknown_version();
    return version;
}

}  // namespace

Task<std::string> RoomKeyBackup::create(std::string user_id, std::string algorithm,
                                        boost::json::object auth_data) {
    const auto turn = co_await changes_.lock(user_id);
    const auto version =
        co_await store_.create_version(user_id, std::move(algorithm), proto::to_json(auth_data));
    co_return std::to_string(version);
}

Task<storage::RoomKeyBackupVersion> RoomKeyBackup::version(std::string user_id,
                                                           std::optional<std::string> version) {
    std::optional<std::int64_t> number;
    if (version) number = parse_version(*version);
    auto found = co_await store_.version(std::move(user_id), number);
    if (!found && !version) throw MatrixError::not_found("No current backup version");
    if (!found) throw unknown_version();
    co_return std::move(*found);
}

Task<void> RoomKeyBackup::update(std::string user_id, std::string version, std::string algorithm,
                                 boost::json::object auth_data) {
    const auto turn = co_await changes_.lock(user_id);
    const auto number = parse_version(version);
    const auto known = co_await store_.version(user_id, number);
    if (!known) throw unknown_version();
    if (known->algorithm != algorithm) throw MatrixError::invalid_param("Algorithm does not match");
    if (!co_await store_.set_auth_data(user_id, number, proto::to_json(auth_data))) throw unknown_version();
}

Task<void> RoomKeyBackup::remove(std::string user_id, std::string version) {
    const auto turn = co_await changes_.lock(user_id);
    if (!co_await store_.delete_version(user_id, parse_version(version))) throw unknown_version();
}

Task<storage::RoomKeyBackupState> RoomKeyBackup::put_keys(std::string user_id, std::string version,
                                                          std::vector<storage::RoomKey> keys) {
    const auto turn = co_await changes_.lock(user_id);
    const auto number = parse_version(version);
    const auto put = co_await store_.put_keys(user_id, number, std::move(keys));
    if (!put.version_exists) throw unknown_version();
    if (put.current_version != number) {
        throw MatrixError{403, "M_WRONG_ROOM_KEYS_VERSION", "Wrong backup version."}.with(
            "current_version", boost::json::string(std::to_string(*put.current_version)));
    }
    co_return put.state;
}

Task<std::vector<storage::RoomKey>> RoomKeyBackup::keys(std::string user_id, std::string version,
                                                        storage::RoomKeySelection selection) {
    const auto number = parse_version(version);
    auto keys = co_await store_.keys(user_id, number, std::move(selection));
    if (keys.empty() && !co_await store_.version(std::move(user_id), number)) throw unknown_version();
    co_return keys;
}

Task<storage::RoomKeyBackupState> RoomKeyBackup::delete_keys(std::string user_id, std::string version,
                                                             storage::RoomKeySelection selection) {
    const auto turn = co_await changes_.lock(user_id);
    const auto state = co_await store_.delete_keys(user_id, parse_version(version), std::move(selection));
    if (!state) throw unknown_version();
    co_return *state;
}

}  // namespace weft::handlers
