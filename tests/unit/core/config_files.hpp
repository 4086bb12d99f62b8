#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "weft/core/config.hpp"

namespace weft::test {

/// Configuration files in a folder of their own, gone at the end.
class ConfigFiles {
public:
    ConfigFiles() {
        static int count = 0;
        folder_ =
            std::filesystem::temp_directory_path() / fmt::format("weft_config_{}_{}", ::getpid(), ++count);
        std::filesystem::create_directories(folder_);
    }
    ~ConfigFiles() { std::filesystem::remove_all(folder_); }
    ConfigFiles(const ConfigFiles&) = delete;
    ConfigFiles& operator=(const ConfigFiles&) = delete;

    std::string path(const std::string& name) const { return (folder_ / name).string(); }
    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream{path(name)} << text;
        return path(name);
    }
    /// Loads the texts as the files 1.yaml, 2.yaml …
    core::Config load(const std::vector<std::string>& texts) const {
        std::vector<std::string> names;
        for (const auto& text : texts) names.push_back(write(fmt::format("{}.yaml", names.size() + 1), text));
        return core::load_config(names);
    }
    /// The error that loading them gives, without the folder; "" if there is none.
    std::string error(const std::vector<std::string>& texts) const {
        try {
            load(texts);
        } catch (const core::ConfigError& error) {
            const std::string text = error.what();
            const auto prefix = folder_.string() + "/";
            return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
        }
        return {};
    }

private:
    std::filesystem::path folder_;
};

/// The least that a master needs: nine lines.
inline const std::string kMaster = R"(server_name: example.org
signing_key_path: /data/signing.key
database:
  name: psycopg2
  args: {user: weft, host: /run/pg, dbname: weft}
listeners:
  - {type: http, port: 8008, resources: [{names: [client]}]}
instance_map:
  master: {host: 127.0.0.1, port: 9001}
)";

/// What a worker's own file adds to that: five lines.
inline const std::string kWorker = R"(worker_app: weft.app.synchrotron
worker_name: synchrotron1
worker_replication_port: 9000
worker_listeners:
  - {type: http, port: 8101, resources: [{names: [client]}]}
)";

}  // namespace weft::test
