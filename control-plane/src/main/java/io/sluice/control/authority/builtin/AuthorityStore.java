package io.sluice.control.authority.builtin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.DurableFiles;
import io.sluice.control.authority.RotationPhase;
import io.sluice.control.authority.RotationPhase.RotationPhaseJson;
import io.sluice.mesh.TrustDomain;
import io.sluice.process.DurableFile;
import io.sluice.process.ProcessLock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The authority's directory (0700), held by one process at a time, and its {@code state.json}.
 *
 * <p>Not for several threads at once.
 */
record AuthorityStore(Path directory, ProcessLock lock) implements AutoCloseable {
  private static final int LONGEST_STATE = 65_536;
  private static final String STATE = "state.json";

  static AuthorityStore open(Path directory) {
    DurableFiles.makeDirectory(directory);
    AuthorityStore store =
        new AuthorityStore(directory, DurableFiles.hold(directory, "this authority"));
    try (Stream<Path> files = Files.list(directory)) {
      files.filter(DurableFile::isTemporary).forEach(DurableFiles::delete);
      return store;
    } catch (AuthorityException e) {
      store.close();
      throw e;
    } catch (IOException e) {
      store.close();
      throw DurableFiles.unwritable(directory, e);
    }
  }

  Optional<StoredState> state() {
    return state(directory);
  }

  /** What a directory holds that may be another's. */
  static Optional<StoredState> state(Path directory) {
    return DurableFiles.read(
        directory.resolve(STATE), LONGEST_STATE, StoredState.FORMAT, StoredState::parse);
  }

  void write(StoredState state) {
    DurableFiles.write(directory.resolve(STATE), state.json());
  }

  @Override
  public void close() {
    lock.close();
  }

  /**
   * What has to survive a restart besides the keys.
   *
   * @param generation of the trust bundle
   */
  record StoredState(TrustDomain trustDomain, long generation, RotationPhase phase) {
    private static final int FORMAT = 1;
    private static final Pattern ID = Pattern.compile("[0-9a-f]{16}");

    String json() {
      ObjectNode node = JsonNodeFactory.instance.objectNode();
      node.put("format", FORMAT);
      node.put("trustDomain", trustDomain.name());
      node.put("generation", generation);
      RotationPhaseJson.put(phase, node);
      return node.toPrettyString() + "\n";
    }

    private static StoredState parse(JsonNode node) {
      RotationPhase phase = RotationPhaseJson.read(node, StoredState::id);
      long generation = node.path("generation").asLong();
      if (generation < 1) {
        throw new IllegalArgumentException("generation " + generation);
      }
      return new StoredState(new TrustDomain(node.path("trustDomain").asText()), generation, phase);
    }

    /** Part of a file's name, so of no other form than ours. */
    private static String id(String id) {
      if (!ID.matcher(id).matches()) {
        throw new IllegalArgumentException("'" + id + "' names no root");
      }
      return id;
    }
  }
}
