#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "weft/core/clock.hpp"
#include "weft/core/config.hpp"
#include "weft/core/rate_limiter.hpp"
#include "weft/core/smtp.hpp"
#include "weft/core/task.hpp"
#include "weft/storage/three_pid_store.hpp"

namespace weft::handlers {

/// What a checked e-mail address shall be good for.
enum class EmailPurpose { kRegister, kAdd, kResetPassword };

struct EmailTokenRequest {
    EmailPurpose purpose = EmailPurpose::kAdd;
    std::string email;
    std::string client_secret;
    std::int64_t send_attempt = 0;
    std::optional<std::string> next_link;
};

/// An address that belongs to whoever asked, as checked by a session.
struct ProvenAddress {
    std::string session_id;
    std::string medium;
    std::string address;
    std::int64_t validated_ms = 0;
};

/// E-mail addresses of users: checked by a link that is sent there, added, removed, used to log in and to
/// reset passwords (client-server API, "Adding account administrative contact information"). No identity server has a
/// part in it: what is published there is the matter of IdentityBindings. Runs in the master.
class ThirdPartyIds {
public:
    static constexpr std::string_view kEmail = "email";
    /// Where the links in e-mails point to, below public_baseurl.
    static constexpr std::string_view kLinkPath = "/_matrix/client/unstable/email/submit_token";

    ThirdPartyIds(storage::ThreePidStore& store, core::Mailer& mailer, const core::Config& config,
                  const core::Clock& clock);

    bool email_enabled() const { return config_.email.is_set(); }

    /// Sends a link to the address and returns the session's ID. An attempt that was made before sends
    /// nothing. Throws MatrixError: 403 M_THREEPID_DENIED where no e-mail can be sent; 400 M_INVALID_PARAM,
    /// M_THREEPID_IN_USE, M_THREEPID_NOT_FOUND; M_LIMIT_EXCEEDED by address.
    Task<std::string> request_token(EmailTokenRequest request);
    /// The link was followed; returns where to go then. Throws MatrixError 400 M_THREEPID_AUTH_FAILED.
    Task<std::optional<std::string>> validate(std::string session_id, std::string client_secret,
                                              std::string token);
    /// What the session has shown. Throws MatrixError 400 M_THREEPID_AUTH_FAILED.
    Task<ProvenAddress> proven(std::string session_id, std::string client_secret);

    Task<std::vector<storage::ThreePid>> list(std::string user_id);
    /// Throws MatrixError: 400 M_THREEPID_IN_USE; 403 M_FORBIDDEN where changes are switched off.
    Task<void> add(std::string user_id, ProvenAddress address);
    /// The same for a new account, whatever may be changed later.
    Task<void> add_to_new_account(std::string user_id, ProvenAddress address);
    Task<void> remove(std::string user_id, std::string medium, std::string address);
    Task<std::optional<std::string>> owner_of(std::string medium, std::string address);
    /// The session has served its purpose.
    Task<void> finish(std::string session_id);

    /// Whom a login or an authentication stage names, also by e-mail address. Throws as
    /// handlers::identified_user(); 403 M_FORBIDDEN for an address that belongs to nobody.
    Task<std::string> identified_user(boost::json::object submission);

private:
    Task<void> check_purpose(const EmailTokenRequest& request);
    Task<void> send_link(EmailTokenRequest request, std::string session_id, std::string token);

    storage::ThreePidStore& store_;
    core::Mailer& mailer_;
    const core::Config& config_;
    const core::Clock& clock_;
    core::RateLimiter by_address_;
};

/// As addresses are stored and compared: small letters.
std::string canonical_email(std::string_view address);

}  // namespace weft::handlers
