package io.sluice.control.authority.domain;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.authority.builtin.RotationPhase;
import io.sluice.control.authority.builtin.RotationPhase.Distributing;
import io.sluice.control.authority.builtin.RotationPhase.Single;
import io.sluice.control.authority.builtin.RotationPhase.Using;
import io.sluice.control.files.DurableFiles;
import io.sluice.mesh.TrustDomain;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Optional;

/** The trust domain in force, and where a change of it stands, over a restart. Any thread. */
record DomainFile(Path file) {
  private static final int FORMAT = 1;
  private static final int LONGEST = 4_096;
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  /** Empty before the first start. */
  Optional<RotationPhase> read() {
    return DurableFiles.read(file, LONGEST).map(this::parse);
  }

  void write(RotationPhase phase) {
    ObjectNode node = JSON.createObjectNode().put("format", FORMAT).put("active", phase.active());
    switch (phase) {
      case Single _ -> node.put("phase", "single");
      case Distributing(String _, String next, Instant useAt) ->
          node.put("phase", "distributing").put("next", next).put("useAt", useAt.toString());
      case Using(String _, String previous, Instant withdrawAt) ->
          node.put("phase", "using")
              .put("previous", previous)
              .put("withdrawAt", withdrawAt.toString());
    }
    DurableFiles.write(file, node.toPrettyString() + "\n");
  }

  private RotationPhase parse(String json) {
    try {
      JsonNode node = JSON.readTree(json);
      if (node.path("format").asInt() != FORMAT) {
        throw DurableFiles.damaged(file, "its format is not " + FORMAT);
      }
      String active = domain(node, "active");
      return switch (node.path("phase").asText()) {
        case "single" -> new Single(active);
        case "distributing" ->
            new Distributing(active, domain(node, "next"), instant(node, "useAt"));
        case "using" -> new Using(active, domain(node, "previous"), instant(node, "withdrawAt"));
        case String other -> throw new IllegalArgumentException("phase '" + other + "'");
      };
    } catch (JsonProcessingException e) {
      throw DurableFiles.damaged(file, "it is not whole JSON");
    } catch (DateTimeException | IllegalArgumentException e) {
      throw DurableFiles.damaged(file, "a value cannot be used: " + e.getMessage());
    }
  }

  private static String domain(JsonNode node, String member) {
    return new TrustDomain(node.path(member).asText()).name();
  }

  private static Instant instant(JsonNode node, String member) {
    return Instant.parse(node.path(member).asText());
  }
}
