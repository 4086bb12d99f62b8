#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weft/http/message.hpp"

namespace weft::http {

/// Path templates as a tree of segments. At each segment a literal wins over `{param}`, which wins over
/// `{rest*}`; a branch that has the path but not the method is left for the next one. `{param}` takes one
/// segment that is not empty, so a trailing slash makes another path. Time is bounded by the table, not by
/// the request.
class RouteTable {
public:
    static constexpr std::size_t kMethods = static_cast<std::size_t>(Method::kOther) + 1;

    struct Match {
        enum class Kind { kFound, kNoPath, kNoMethod, kMalformed };
        Kind kind = Kind::kNoPath;
        std::size_t route = 0;                                         // as given to add(), if found
        std::vector<std::pair<std::string_view, std::string>> params;  // names live as long as the table
        std::vector<Method> allowed;                                   // if the path exists for other methods
    };

    RouteTable();
    ~RouteTable();
    RouteTable(const RouteTable&) = delete;
    RouteTable& operator=(const RouteTable&) = delete;

    /// Throws std::logic_error if the template is malformed or the pair is there already.
    void add(Method method, std::string_view path_template, std::size_t route);
    /// `path` is raw: each segment is percent-decoded after splitting. HEAD finds GET where it has no row of
    /// its own.
    Match match(Method method, std::string_view path) const;

private:
    struct Leaf;
    struct Node;
    struct Search;

    static bool descend(const Node& node, std::string_view path, Search& search);
    static bool take(const Leaf& leaf, Search& search);

    std::unique_ptr<Node> root_;
};

}  // namespace weft::http
