#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <boost/json/object.hpp>

#include "weft/core/task.hpp"
#include "weft/storage/filter_store.hpp"

namespace weft::handlers {

/// Filters that users have stored (client-server API, "Filtering"). A user sees only their own.
class Filters {
public:
    explicit Filters(storage::FilterStore& filters) : filters_{filters} {}

    /// Throws MatrixError: 403 M_FORBIDDEN for another user's, M_BAD_JSON for what is no filter.
    Task<std::int64_t> add(std::string requester, std::string user_id, boost::json::object definition);
    /// The filter's JSON. Throws MatrixError: 403 M_FORBIDDEN for another user's, 404 M_NOT_FOUND.
    Task<std::string> get(std::string requester, std::string user_id, std::string filter_id);

private:
    storage::FilterStore& filters_;
};

}  // namespace weft::handlers
