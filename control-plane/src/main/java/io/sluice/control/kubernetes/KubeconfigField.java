package io.sluice.control.kubernetes;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.svid.Pem;
import io.sluice.mesh.FileFault;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One place in a kubeconfig.
 *
 * @param source the file
 * @param path such as {@code users[admin].user.client-key}
 */
record KubeconfigField(Path source, String path) {
  /** What a field holds, and which one of the two that may hold it. */
  record Found<T>(T value, KubeconfigField field) {}

  KubeconfigField at(String member) {
    return new KubeconfigField(source, path + "." + member);
  }

  /** To throw. */
  IllegalArgumentException wrong(String problem, String mend) {
    return wrong(problem, mend, null);
  }

  IllegalArgumentException wrong(String problem, String mend, @Nullable Throwable cause) {
    return new IllegalArgumentException(source + ": " + path + ": " + problem + "; " + mend, cause);
  }

  /** A file that the kubeconfig names: relative names are from where it is. */
  Path file(String name) {
    return source.toAbsolutePath().resolveSibling(name).normalize();
  }

  /**
   * PEM that is written into the kubeconfig, or stands in a file that it names.
   *
   * @param member name of the field for the file; that with the data ends in {@code -data}
   * @param data base64, which goes before the file
   */
  Optional<Found<Pem>> pem(String member, @Nullable String data, @Nullable String file) {
    if (data != null && !data.isEmpty()) {
      KubeconfigField field = at(member + "-data");
      return Optional.of(new Found<>(field.pem(field.decoded(data)), field));
    }
    if (file == null || file.isEmpty()) {
      return Optional.empty();
    }
    KubeconfigField field = at(member);
    Path path = file(file);
    try {
      if (Files.size(path) > Pem.LONGEST_TEXT) {
        throw field.wrong(
            path + " is longer than " + Pem.LONGEST_TEXT + " bytes", "name a PEM file");
      }
      return Optional.of(
          new Found<>(field.pem(Files.readString(path, StandardCharsets.ISO_8859_1)), field));
    } catch (IOException e) {
      throw field.wrong(
          path + " cannot be read (" + FileFault.reason(e) + ")", "name a file that can be", e);
    }
  }

  private String decoded(String data) {
    try {
      return new String(
          Base64.getDecoder().decode(data.replaceAll("\\s", "")), StandardCharsets.ISO_8859_1);
    } catch (IllegalArgumentException e) {
      throw wrong("is no base64", "write the PEM text in base64, as `base64 -w0` does", e);
    }
  }

  /** Its blocks. */
  Pem pem(String text) {
    try {
      return Pem.parse(text, path);
    } catch (AuthorityException e) {
      throw new IllegalArgumentException(source + ": " + e.getMessage(), e);
    }
  }
}
