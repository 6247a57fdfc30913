package io.sluice.scenario;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.lab.site.SitePod;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Where YAML goes that the controller reads. For one thread. */
interface ScenarioRegistry extends AutoCloseable {
  /** Arguments of {@code control run} that lead there. */
  List<String> arguments();

  /** Puts a pod there, so that daemons find its namespace. */
  void add(SitePod pod, String yaml);

  /** It has these files and no others, beside pods; whether that is a change. */
  boolean put(Map<String, String> files);

  /** Whether all that is put there at once is read at once. */
  boolean isSeenWhole();

  /** What is at that path of an API server, where there is one. */
  default Optional<JsonNode> find(String path) {
    return Optional.empty();
  }

  @Override
  default void close() {}
}
