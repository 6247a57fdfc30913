package io.sluice.control.authority.domain;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.authority.DurableFiles;
import io.sluice.control.authority.RotationPhase;
import io.sluice.control.authority.RotationPhaseJson;
import io.sluice.mesh.TrustDomain;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.util.Optional;

/** The trust domain in force, and where a change of it stands, over a restart. Any thread. */
record DomainFile(Path file) {
  private static final int FORMAT = 1;
  private static final int LONGEST = 4_096;
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  /**
   * What is kept.
   *
   * @param changes of the domains that nodes are told of, since the mesh began; files of earlier
   *     releases count none
   */
  record Kept(RotationPhase phase, long changes) {}

  /** Empty before the first start. */
  Optional<Kept> read() {
    return DurableFiles.read(file, LONGEST).map(this::parse);
  }

  void write(Kept kept) {
    ObjectNode node = JSON.createObjectNode().put("format", FORMAT).put("changes", kept.changes());
    RotationPhaseJson.put(kept.phase(), node);
    DurableFiles.write(file, node.toPrettyString() + "\n");
  }

  private Kept parse(String json) {
    try {
      JsonNode node = JSON.readTree(json);
      if (node.path("format").asInt() != FORMAT) {
        throw DurableFiles.damaged(file, "its format is not " + FORMAT);
      }
      RotationPhase phase = RotationPhaseJson.read(node, domain -> new TrustDomain(domain).name());
      return new Kept(phase, node.path("changes").asLong());
    } catch (JsonProcessingException e) {
      throw DurableFiles.damaged(file, "it is not whole JSON");
    } catch (DateTimeException | IllegalArgumentException e) {
      throw DurableFiles.damaged(file, "a value cannot be used: " + e.getMessage());
    }
  }
}
