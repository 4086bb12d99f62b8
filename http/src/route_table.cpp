#include "route_table.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "weft/http/uri.hpp"
#include "weft/proto/json.hpp"

namespace weft::http {

/// Where a template ends: one route a method.
struct RouteTable::Leaf {
    struct Row {
        std::size_t route;
        std::vector<std::string> params;  // names, in order of the path
    };
    std::array<std::optional<Row>, kMethods> rows;
};

struct RouteTable::Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
    std::unique_ptr<Node> param;
    std::unique_ptr<Leaf> exact;  // the path ends here
    std::unique_ptr<Leaf> rest;   // everything below, or nothing
};

struct RouteTable::Search {
    Method method;
    std::vector<std::string> captures;
    Match match;
    std::array<bool, kMethods> seen{};
};

namespace {

std::size_t index_of(Method method) {
    return static_cast<std::size_t>(method);
}

struct Segment {
    std::string_view text;  // without braces and star
    enum class Kind { kLiteral, kParam, kRest } kind;
};

Segment parse_segment(std::string_view text) {
    if (!text.starts_with('{')) {
        if (text.find_first_of("{}") != std::string_view::npos)
            throw std::logic_error{"stray brace in a path template"};
        return {text, Segment::Kind::kLiteral};
    }
    if (text.size() < 3 || !text.ends_with('}'))
        throw std::logic_error{"malformed parameter in a path template"};
    text = text.substr(1, text.size() - 2);
    if (text.ends_with('*')) return {text.substr(0, text.size() - 1), Segment::Kind::kRest};
    return {text, Segment::Kind::kParam};
}

bool has_high_bit(std::string_view text) {
    return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

}  // namespace

RouteTable::RouteTable() : root_{std::make_unique<Node>()} {}
RouteTable::~RouteTable() = default;

void RouteTable::add(Method method, std::string_view path_template, std::size_t route) {
    if (!path_template.starts_with('/')) throw std::logic_error{"a path template starts with '/'"};
    std::vector<std::string> params;
    Node* node = root_.get();
    std::unique_ptr<Leaf>* leaf = nullptr;
    for (auto rest = path_template; !rest.empty();) {
        const auto end = rest.find('/', 1);
        const auto segment = parse_segment(rest.substr(1, end == std::string_view::npos ? end : end - 1));
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end);
        if (segment.kind == Segment::Kind::kLiteral) {
            auto& child = node->literals[std::string{segment.text}];
            if (!child) child = std::make_unique<Node>();
            node = child.get();
            continue;
        }
        params.emplace_back(segment.text);
        if (segment.kind == Segment::Kind::kRest) {
            if (!rest.empty())
                throw std::logic_error{"'{rest*}' must be the last segment of a path template"};
            leaf = &node->rest;
            break;
        }
        if (!node->param) node->param = std::make_unique<Node>();
        node = node->param.get();
    }
    if (!leaf) leaf = &node->exact;
    if (!*leaf) *leaf = std::make_unique<Leaf>();
    auto& row = (*leaf)->rows[index_of(method)];
    if (row) throw std::logic_error{fmt::format("{} {} is there twice", to_string(method), path_template)};
    row = Leaf::Row{route, std::move(params)};
}

bool RouteTable::take(const Leaf& leaf, Search& search) {
    const auto* row = &leaf.rows[index_of(search.method)];
    if (!*row && search.method == Method::kHead) row = &leaf.rows[index_of(Method::kGet)];
    if (!*row) {
        for (std::size_t i = 0; i < kMethods; ++i) search.seen[i] |= leaf.rows[i].has_value();
        return false;
    }
    const auto& found = **row;
    search.match.kind = Match::Kind::kFound;
    search.match.route = found.route;
    for (std::size_t i = 0; i < found.params.size(); ++i) {
        search.match.params.emplace_back(found.params[i], std::move(search.captures[i]));
    }
    return true;
}

bool RouteTable::descend(const Node& node, std::string_view path, Search& search) {
    if (path.empty()) {
        if (node.exact && take(*node.exact, search)) return true;
        if (!node.rest) return false;
        search.captures.emplace_back();
        if (take(*node.rest, search)) return true;
        search.captures.pop_back();
        return false;
    }
    const auto end = path.find('/', 1);
    auto segment = path.substr(1, end == std::string_view::npos ? end : end - 1);
    const auto below = end == std::string_view::npos ? std::string_view{} : path.substr(end);

    std::optional<std::string> decoded;
    if (segment.find('%') != std::string_view::npos) {
        decoded = percent_decode(segment);
        if (!decoded) {
            search.match.kind = Match::Kind::kMalformed;
            return false;
        }
        segment = *decoded;
    }
    if (const auto child = node.literals.find(segment); child != node.literals.end()) {
        if (descend(*child->second, below, search)) return true;
    }
    if (node.param && !segment.empty()) {
        search.captures.emplace_back(segment);
        if (descend(*node.param, below, search)) return true;
        search.captures.pop_back();
    }
    if (node.rest && search.match.kind != Match::Kind::kMalformed) {
        auto rest = percent_decode(path.substr(1));
        if (!rest) {
            search.match.kind = Match::Kind::kMalformed;
            return false;
        }
        search.captures.push_back(std::move(*rest));
        if (take(*node.rest, search)) return true;
        search.captures.pop_back();
    }
    return false;
}

RouteTable::Match RouteTable::match(Method method, std::string_view path) const {
    Search search{.method = method, .captures = {}, .match = {}};
    if (!path.starts_with('/')) return search.match;
    if (has_high_bit(path) && !proto::is_valid_utf8(path)) {
        search.match.kind = Match::Kind::kMalformed;
        return search.match;
    }
    if (descend(*root_, path, search) || search.match.kind == Match::Kind::kMalformed) return search.match;
    for (std::size_t i = 0; i < kMethods; ++i) {
        if (search.seen[i]) search.match.allowed.push_back(static_cast<Method>(i));
    }
    if (!search.match.allowed.empty()) search.match.kind = Match::Kind::kNoMethod;
    return search.match;
}

}  // namespace weft::http
