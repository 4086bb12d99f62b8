#pragma once

#include <optional>
#include <string>

#include "weft/core/clock.hpp"
#include "weft/core/task.hpp"
#include "weft/handlers/appservice/appservice_client.hpp"
#include "weft/handlers/appservice/appservices.hpp"
#include "weft/http/message.hpp"

namespace weft::handlers {

/// What application services are asked: aliases and users they may make when somebody looks for them,
/// third-party networks, and whether they can be reached at all (Application Service API, "Querying",
/// "Third-party networks", "Pinging").
class AppserviceQueries {
public:
    AppserviceQueries(const Appservices& services, AppserviceClient& client, const core::Clock& clock)
        : services_{services}, client_{client}, clock_{clock} {}

    /// Whether a service says that the alias exists now.
    Task<bool> alias_exists(std::string alias);
    Task<bool> user_exists(std::string user_id);

    /// All protocols with their metadata.
    Task<boost::json::object> protocols();
    /// Throws M_NOT_FOUND for a protocol that no service has.
    Task<boost::json::object> protocol(std::string name);
    enum class Kind { kLocation, kUser };
    /// Locations or users of a protocol that have these fields.
    Task<boost::json::array> search(Kind kind, std::string protocol, http::Query fields);
    /// The third-party locations of an alias, or users behind a user ID.
    Task<boost::json::array> reverse(Kind kind, http::Query query);

    /// Milliseconds that the service took. Throws MatrixError: M_URL_NOT_SET, M_BAD_STATUS,
    /// M_CONNECTION_FAILED, M_CONNECTION_TIMEOUT.
    Task<std::int64_t> ping(const Appservices::Service& service, std::optional<std::string> transaction_id);

private:
    /// The answer's JSON; null where there is none.
    Task<boost::json::value> ask(const Appservices::Service& service, std::string path,
                                 std::string legacy_path);
    Task<boost::json::array> ask_all(std::vector<const Appservices::Service*> services, std::string path);
    std::vector<const Appservices::Service*> with_protocol(const std::string& name) const;

    const Appservices& services_;
    AppserviceClient& client_;
    const core::Clock& clock_;
};

}  // namespace weft::handlers
