#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "weft/core/clock.hpp"
#include "weft/core/config.hpp"
#include "weft/core/task.hpp"
#include "weft/handlers/accounts/auth_flows.hpp"
#include "weft/handlers/accounts/password_auth.hpp"
#include "weft/handlers/accounts/third_party_ids.hpp"
#include "weft/http/message.hpp"
#include "weft/storage/registration_token_store.hpp"
#include "weft/storage/ui_auth_session_store.hpp"

namespace weft::handlers {

/// What a client asks for and must prove its right to.
struct ProtectedOperation {
    std::string method;
    std::string path;
    boost::json::object body;            // with `auth`, if the client sent it
    std::optional<std::string> user_id;  // whose account; nobody's at registration
};

/// An operation of the user who makes the request.
ProtectedOperation operation_of(const http::Request& request, boost::json::object body);

/// The proof is complete.
struct AuthProof {
    std::string session_id;
    /// Stage -> what it proved: a user ID (password), the token (registration token), email() for an address,
    /// empty (dummy).
    std::map<std::string, std::string> stages;
    /// The address that m.login.email.identity has proven.
    std::optional<ProvenAddress> email() const;
    /// What set_outcome() kept when the client completed this session before: the answer to it may have been
    /// lost.
    std::optional<std::string> outcome;
};

/// User-interactive authentication (client-server API, "User-Interactive Authentication API"). A session
/// begins to exist when its first stage is completed, so that requests without proof leave nothing behind; it
/// ends after an hour. It is bound to one operation: method, path, user, and (once proven) the body.
class InteractiveAuth {
public:
    static constexpr std::int64_t kSessionLifetimeMs = 3'600'000;

    InteractiveAuth(storage::UiAuthSessionStore& sessions, PasswordAuth& passwords,
                    ThirdPartyIds& third_party_ids, storage::RegistrationTokenStore& registration_tokens,
                    const core::Clock& clock);

    /// Returns when one of the flows is complete. Throws MatrixError: 401 with flows, params, session and
    /// completed where more is needed or a proof was wrong; 403 M_FORBIDDEN for a session of another
    /// operation; M_LIMIT_EXCEEDED.
    Task<AuthProof> require(ProtectedOperation operation, AuthFlows flows);

    /// What set_outcome() kept, if the client names a session in which it has completed this very operation
    /// before.
    Task<std::optional<std::string>> outcome_of(ProtectedOperation operation);
    /// Keeps with the session what the operation did.
    Task<void> set_outcome(std::string session_id, std::string outcome);

private:
    struct Attempt;

    Task<void> load(Attempt& attempt);
    Task<void> prove(Attempt& attempt, std::string stage);
    Task<std::string> check_stage(std::string stage, boost::json::object auth);
    Task<std::string> check_password(boost::json::object auth);
    Task<std::string> check_email(boost::json::object auth);
    Task<void> remove_expired();

    storage::UiAuthSessionStore& sessions_;
    PasswordAuth& passwords_;
    ThirdPartyIds& third_party_ids_;
    storage::RegistrationTokenStore& registration_tokens_;
    const core::Clock& clock_;
    std::int64_t next_cleaning_ms_ = 0;
};

}  // namespace weft::handlers
