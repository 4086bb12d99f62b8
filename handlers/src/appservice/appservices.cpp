#include "weft/handlers/appservice/appservices.hpp"

#include <fmt/format.h>

#include "weft/core/errors.hpp"

namespace weft::handlers {
namespace {

core::MatrixError exclusive(std::string_view what) {
    return {400, "M_EXCLUSIVE", fmt::format("{} is reserved for an application service", what)};
}

}  // namespace

const Appservices::Service* Appservices::with_token(std::string_view as_token) const {
    for (const auto& service : services_) {
        if (service.as_token == as_token) return &service;
    }
    return nullptr;
}

const Appservices::Service* Appservices::find(std::string_view id) const {
    for (const auto& service : services_) {
        if (service.id == id) return &service;
    }
    return nullptr;
}

std::string Appservices::sender_of(const Service& service) const {
    return "@" + service.sender_localpart + ":" + server_name_;
}

bool Appservices::is_local(std::string_view user_id) const {
    const auto colon = user_id.find(':');
    return user_id.starts_with('@') && colon != std::string_view::npos &&
           user_id.substr(colon + 1) == server_name_;
}

bool Appservices::has_user(const Service& service, std::string_view user_id) const {
    if (!is_local(user_id)) return false;
    return user_id == sender_of(service) || core::namespace_holds(service.users, user_id);
}

void Appservices::check_user_is_free(std::string_view user_id, const Service* by) const {
    for (const auto& service : services_) {
        if (&service == by) continue;
        if (user_id == sender_of(service) || core::namespace_holds(service.users, user_id, true))
            throw exclusive(user_id);
    }
}

void Appservices::check_alias_is_free(std::string_view alias, const Service* by) const {
    for (const auto& service : services_) {
        if (&service != by && core::namespace_holds(service.aliases, alias, true)) throw exclusive(alias);
    }
}

void Appservices::check_own_user(const Service& service, std::string_view user_id) const {
    if (!has_user(service, user_id)) {
        throw core::MatrixError{
            400, "M_EXCLUSIVE",
            fmt::format("{} is not in the namespaces of this application service", user_id)};
    }
    check_user_is_free(user_id, &service);
}

bool Appservices::is_unlimited(std::string_view user_id) const {
    for (const auto& service : services_) {
        if (service.rate_limited || !is_local(user_id)) continue;
        if (user_id == sender_of(service) || core::namespace_holds(service.users, user_id, true)) return true;
    }
    return false;
}

}  // namespace weft::handlers
