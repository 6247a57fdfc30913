package io.sluice.kernel.site;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A certificate that {@code openssl} signs by itself, so not the mesh's authority.
 *
 * @param certificate as PEM
 * @param key its key, as PEM
 */
public record SelfSigned(Path certificate, Path key) {
  /**
   * Valid for a day; its files stay below the folder.
   *
   * @param name of the files
   * @param extensions as {@code openssl req -addext} takes them
   */
  public static SelfSigned in(
      Path directory, String name, String commonName, String... extensions) {
    SelfSigned made =
        new SelfSigned(directory.resolve(name + ".crt"), directory.resolve(name + ".key"));
    List<String> command =
        new ArrayList<>(
            List.of(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "1",
                "-subj",
                "/CN=" + commonName,
                "-keyout",
                made.key.toString(),
                "-out",
                made.certificate.toString()));
    for (String extension : extensions) {
      command.addAll(List.of("-addext", extension));
    }
    Commands.run(command.toArray(String[]::new));
    return made;
  }
}
