package io.sluice.cni;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/** A network configuration as a runtime writes it: members in order, values as JSON text. */
record Config(Map<String, String> members) {
  /** With white space and an escape, so that a copy that is not byte for byte shows. */
  static final String RESULT =
      """
      { "cniVersion":"1.0.0",\t"ips":[ {"address" : "10.0.0.2/24"} ], "dns":{"search":["caf\\u00e9.é"]} }\
      """;

  /** The whole configuration for a socket and a membership file in that directory. */
  static Config in(Path directory) {
    Map<String, String> members = new LinkedHashMap<>();
    members.put("cniVersion", "\"1.0.0\"");
    members.put("name", "\"pods\"");
    members.put("type", "\"sluice-cni\"");
    members.put("socket", "\"" + socket(directory) + "\"");
    members.put("membership", "\"" + membership(directory) + "\"");
    members.put("timeoutSeconds", "2");
    members.put("prevResult", RESULT);
    return new Config(members);
  }

  static Path socket(Path directory) {
    return directory.resolve("cni.sock");
  }

  static Path membership(Path directory) {
    return directory.resolve("membership");
  }

  Config with(String name, String value) {
    Map<String, String> more = new LinkedHashMap<>(members);
    more.put(name, value);
    return new Config(more);
  }

  Config without(String name) {
    Map<String, String> fewer = new LinkedHashMap<>(members);
    fewer.remove(name);
    return new Config(fewer);
  }

  String text() {
    return members.entrySet().stream()
        .map(member -> "\"" + member.getKey() + "\": " + member.getValue())
        .collect(Collectors.joining(", ", "{", "}"));
  }

  byte[] bytes() {
    return text().getBytes(StandardCharsets.UTF_8);
  }
}
