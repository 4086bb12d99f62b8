#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// A third-party identifier of a user: an e-mail address. Times in milliseconds since the epoch.
struct ThreePid {
    std::string medium;
    std::string address;
    std::int64_t validated_ms = 0;
    std::int64_t added_ms = 0;
};

/// What a third-party identifier is of: `medium` (email) and `address`.
struct ThreePidAddress {
    std::string medium;
    std::string address;
    bool operator==(const ThreePidAddress&) const = default;
};

/// An address that its user has published at an identity server.
struct BoundThreePid {
    ThreePidAddress what;
    std::string id_server;
};

/// Somebody says that an address is theirs; `validated_ms` is when they showed it.
struct ThreePidSession {
    std::string session_id;
    std::string medium;
    std::string address;
    std::string client_secret;
    std::int64_t last_send_attempt = 0;
    std::optional<std::int64_t> validated_ms;
};

/// A token that is sent to the address: who has it can read what is sent there.
struct ThreePidToken {
    std::string token;
    std::optional<std::string> next_link;
    std::int64_t expires_ms = 0;
};

/// Third-party identifiers, and the checks whether they belong to whom they should.
class ThreePidStore {
public:
    explicit ThreePidStore(StoreContext context) : context_{std::move(context)} {}

    Task<std::vector<ThreePid>> of_user(std::string user_id);
    Task<std::optional<std::string>> owner_of(std::string medium, std::string address);
    /// False if the identifier is another user's.
    Task<bool> add(std::string user_id, std::string medium, std::string address, std::int64_t validated_ms);
    /// False if the user had none such.
    Task<bool> remove(std::string user_id, std::string medium, std::string address);
    /// What the user has published at identity servers goes with it.
    Task<void> remove_all(std::string user_id);

    Task<std::vector<BoundThreePid>> bound_of_user(std::string user_id);
    Task<void> add_bound(std::string user_id, BoundThreePid bound);
    Task<void> remove_bound(std::string user_id, BoundThreePid bound);

    /// The session that is under way for this address and secret.
    Task<std::optional<ThreePidSession>> find_session(std::string medium, std::string address,
                                                      std::string client_secret);
    Task<std::optional<ThreePidSession>> get_session(std::string session_id);
    /// Makes the session, or notes the new attempt, and adds the token. Expired tokens are removed.
    Task<void> start_session(ThreePidSession session, ThreePidToken token);
    /// A token of the session; nothing if it is not one or has expired.
    Task<std::optional<ThreePidToken>> find_token(std::string session_id, std::string token);
    Task<void> set_validated(std::string session_id);
    Task<void> remove_session(std::string session_id);

private:
    StoreContext context_;
};

}  // namespace weft::storage
