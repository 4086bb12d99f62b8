#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "weft/core/clock.hpp"
#include "weft/core/config.hpp"
#include "weft/core/task.hpp"
#include "weft/handlers/accounts/registration.hpp"
#include "weft/handlers/accounts/sessions.hpp"

namespace weft::handlers {

struct SharedSecretRequest {
    std::string nonce;
    std::string username;
    std::string password;
    bool admin = false;
    std::optional<std::string> user_type;
    std::optional<std::string> displayname;
    std::string mac;  // hexadecimal
};

/// Makes accounts for whoever knows `registration_shared_secret`, as the admin API of Synapse does: the
/// secret itself never travels, and a nonce makes each proof good for one account. Nonces live in memory, so
/// this runs in the master.
class SharedSecretRegistration {
public:
    static constexpr std::int64_t kNonceLifetimeMs = 60'000;
    static constexpr std::size_t kNoncesMax = 10'000;

    SharedSecretRegistration(Registration& registration, Sessions& sessions, const core::Config& config,
                             const core::Clock& clock);

    /// A nonce for one request within the next minute. Throws MatrixError 400 M_UNKNOWN where no secret is
    /// configured.
    std::string make_nonce();
    /// Throws MatrixError: 400 M_UNKNOWN for a nonce that is unknown, used or old; 403 M_FORBIDDEN for a
    /// wrong MAC; M_INVALID_PARAM; as Registration::create_account().
    Task<Session> register_user(SharedSecretRequest request);

private:
    void check_enabled() const;
    void use_nonce(const std::string& nonce);

    Registration& registration_;
    Sessions& sessions_;
    const core::Config& config_;
    const core::Clock& clock_;
    std::unordered_map<std::string, std::int64_t> nonces_;  // -> when it ends
};

/// HMAC-SHA1 in hexadecimal over the parts, NUL between them: nonce, user, password, admin or notadmin and,
/// only if there is one, the user type.
std::string registration_mac(const SharedSecretRequest& request, std::string_view secret);

}  // namespace weft::handlers
