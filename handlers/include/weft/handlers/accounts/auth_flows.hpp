#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "weft/core/errors.hpp"

namespace weft::handlers {

/// Kinds of proof that this server knows (client-server API, "Authentication types").
namespace auth_stage {
inline constexpr std::string_view kPassword = "m.login.password";
/// Only to log in: a token that another session of the user made.
inline constexpr std::string_view kLoginToken = "m.login.token";
inline constexpr std::string_view kDummy = "m.login.dummy";
inline constexpr std::string_view kRegistrationToken = "m.login.registration_token";
inline constexpr std::string_view kEmail = "m.login.email.identity";
}  // namespace auth_stage

/// Stages that a client must complete in this order.
using AuthFlow = std::vector<std::string>;
/// The client chooses one of them.
using AuthFlows = std::vector<AuthFlow>;

/// A flow whose stages are all among `completed`, or null.
const AuthFlow* completed_flow(const AuthFlows& flows, const std::vector<std::string>& completed);
/// Whether `stage` may come now: in some flow all stages before it are completed.
bool may_come_next(const AuthFlows& flows, const std::vector<std::string>& completed, std::string_view stage);
/// Whether any flow has the stage.
bool is_offered(const AuthFlows& flows, std::string_view stage);

/// The 401 that tells the client what to prove next: flows, params, session, completed. `cause` is why the
/// last attempt failed; without it there is no `errcode`.
core::MatrixError authentication_required(const AuthFlows& flows, const std::vector<std::string>& completed,
                                          std::string_view session_id,
                                          const core::MatrixError* cause = nullptr);

}  // namespace weft::handlers
