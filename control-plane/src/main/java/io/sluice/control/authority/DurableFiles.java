package io.sluice.control.authority;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.mesh.FileFault;
import io.sluice.process.DurableFile.SecretFiles;
import io.sluice.process.ProcessLock;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.util.Optional;
import java.util.function.Function;

/**
 * The small secret texts that a controller keeps; each failure is an {@link AuthorityException}
 * that names the file and what to do. Any thread, but one writer of a file at a time.
 */
public final class DurableFiles {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private DurableFiles() {}

  /** Makes {@code directory} for its owner alone, and refuses one that is open to others. */
  public static void makeDirectory(Path directory) {
    try {
      SecretFiles.makeDirectory(directory);
    } catch (SecretFiles.UnusableException e) {
      throw unusable(directory, e);
    } catch (IOException e) {
      throw unwritable(directory, e);
    }
  }

  /**
   * Holds {@code directory}, which is there, by its file {@code lock}.
   *
   * @param what it holds, for the message
   * @throws AuthorityException also where another process has it, or this one has taken it before
   */
  public static ProcessLock hold(Path directory, String what) {
    try {
      return ProcessLock.take(directory.resolve("lock"))
          .orElseThrow(() ->
              new AuthorityException(
                  Reason.STORE_UNWRITABLE,
                  directory.toString(),
                  "another process holds " + what,
                  "stop the other one, or give each its own directory"));
    } catch (IOException e) {
      throw unwritable(directory, e);
    }
  }

  /** Replaces {@code file} by {@code text}, readable by its owner alone. */
  public static void write(Path file, String text) {
    try {
      SecretFiles.write(file, text.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw unwritable(file, e);
    }
  }

  /** The content of {@code file}, or empty where there is none. */
  public static Optional<String> read(Path file, int longestBytes) {
    try {
      return SecretFiles.read(file, longestBytes)
          .map(bytes -> new String(bytes, StandardCharsets.UTF_8));
    } catch (SecretFiles.UnusableException e) {
      throw unusable(file, e);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /** What {@code reader} makes of the JSON in {@code file}, which throws what is wrong with it. */
  public static <T> Optional<T> read(
      Path file, int longestBytes, int format, Function<JsonNode, T> reader) {
    return read(file, longestBytes)
        .map(json -> {
          try {
            JsonNode node = JSON.readTree(json);
            if (node.path("format").asInt() != format) {
              throw damaged(file, "its format is not " + format);
            }
            return reader.apply(node);
          } catch (JsonProcessingException e) {
            throw damaged(file, "it is not whole JSON");
          } catch (DateTimeException | IllegalArgumentException e) {
            throw damaged(file, "a value cannot be used: " + e.getMessage());
          }
        });
  }

  /** Removes {@code file} for good, where it is there. */
  public static void delete(Path file) {
    try {
      SecretFiles.delete(file);
    } catch (IOException e) {
      throw unwritable(file, e);
    }
  }

  /** For content that is not as it was written. */
  public static AuthorityException damaged(Path file, String problem) {
    return new AuthorityException(
        Reason.STORE_DAMAGED,
        file.toString(),
        problem,
        "put back the copy of a backup; nothing was changed here");
  }

  /** For a disk that does not give it. */
  public static AuthorityException unreadable(Path file, IOException e) {
    return new AuthorityException(
        Reason.STORE_DAMAGED, file.toString(), "it cannot be read", "look at the disk", e);
  }

  /** For a disk that did not take it. */
  public static AuthorityException unwritable(Path file, IOException e) {
    return new AuthorityException(
        Reason.STORE_UNWRITABLE,
        file.toString(),
        "it cannot be written (" + FileFault.reason(e) + ")",
        "look at the disk's free space and the directory's owner",
        e);
  }

  private static AuthorityException unusable(Path path, SecretFiles.UnusableException e) {
    return new AuthorityException(Reason.STORE_DAMAGED, path.toString(), e.problem(), e.mend());
  }
}
