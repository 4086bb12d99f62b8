#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "weft/core/appservice.hpp"

namespace weft::handlers {

/// The application services of this server and what is theirs. Fixed from the start.
class Appservices {
public:
    using Service = core::AppserviceRegistration;

    Appservices(std::vector<Service> services, std::string server_name)
        : services_{std::move(services)}, server_name_{std::move(server_name)} {}

    const std::vector<Service>& all() const { return services_; }
    const std::string& server_name() const { return server_name_; }
    /// Null if there is none.
    const Service* with_token(std::string_view as_token) const;
    const Service* find(std::string_view id) const;

    /// The user in whose name a service acts that names nobody.
    std::string sender_of(const Service& service) const;
    bool is_local(std::string_view user_id) const;
    /// Local users of its namespaces and its sender.
    bool has_user(const Service& service, std::string_view user_id) const;
    /// Throws MatrixError 400 M_EXCLUSIVE if the name is reserved for a service other than `by` (null: for
    /// any).
    void check_user_is_free(std::string_view user_id, const Service* by) const;
    void check_alias_is_free(std::string_view alias, const Service* by) const;
    /// Throws M_EXCLUSIVE if the service wants a user or alias outside of its namespaces.
    void check_own_user(const Service& service, std::string_view user_id) const;
    /// Whether limits do not apply to what the user does.
    bool is_unlimited(std::string_view user_id) const;

private:
    std::vector<Service> services_;
    std::string server_name_;
};

}  // namespace weft::handlers
