package io.sluice.cli.init;

import io.sluice.cli.arguments.Paths;
import io.sluice.cli.output.ExitCode;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice init}. */
@Command(
    name = "init",
    description =
        "Writes a small mesh into a folder: manifests, a script that makes the pods' networks and a"
            + " unit for systemd. Prints what to do next.",
    mixinStandardHelpOptions = true)
public final class InitCommand implements Callable<Integer> {
  /** Below {@code examples/shop} of the source tree. */
  private static final List<String> FILES =
      List.of("mesh.yaml", "pods.yaml", "policy.yaml", "network.sh", "sluice.service");

  /** What no shell and no unit reads as anything but itself. */
  private static final Pattern PLAIN = Pattern.compile("/[\\p{L}\\p{Nd}._/-]*");

  private static final String EXAMPLE_PROGRAM = "/opt/sluice/bin/sluice";
  private static final String EXAMPLE_FOLDER = "/etc/sluice/shop";

  @Parameters(paramLabel = "DIR", description = "Made where it is missing; else it must be empty.")
  private Path folder = Path.of("");

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    Path place = folder.toAbsolutePath().normalize();
    if (!PLAIN.matcher(place.toString()).matches()) {
      throw new ParameterException(
          spec.commandLine(),
          place
              + " stands in a script and in a unit of systemd, which read some characters as their"
              + " own: name a folder by letters, digits, '.', '_' and '-'");
    }
    Paths.requireIfThere(spec, "DIR", place);
    try {
      Files.createDirectories(place);
      try (Stream<Path> there = Files.list(place)) {
        if (there.findAny().isPresent()) {
          throw new ParameterException(
              spec.commandLine(), folder + " is not empty; name another folder");
        }
      }
      for (String file : FILES) {
        Files.writeString(
            place.resolve(file),
            example(file)
                .replace(EXAMPLE_PROGRAM, program())
                .replace(EXAMPLE_FOLDER, place.toString()));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the mesh into " + folder, e);
    }
    printNext(place, spec.commandLine().getOut());
    return ExitCode.OK.code();
  }

  private static String example(String file) throws IOException {
    try (InputStream in = InitCommand.class.getResourceAsStream("shop/" + file)) {
      if (in == null) {
        throw new IllegalStateException("this program was built without its example " + file);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** As the launcher said, of a source tree or of an unpacked archive. */
  private static String program() {
    String home = System.getProperty("sluice.home");
    if (home == null) {
      return EXAMPLE_PROGRAM;
    }
    Path unpacked = Path.of(home, "bin", "sluice");
    return (Files.exists(unpacked) ? unpacked : Path.of(home, "sluice")).toString();
  }

  private static void printNext(Path folder, PrintWriter out) {
    String sluice = program();
    out.printf(
        """
        %1$s is a mesh of three pods: buyer may read in store, thief may nothing. Next, as root:

          sh %1$s/network.sh up
          %2$s node run --registry %1$s --standalone

        and beside it, in another terminal:

          %2$s node pods --wait
          ip netns exec shop-store python3 -m http.server 8080 &
          ip netns exec shop-buyer curl -i http://10.85.255.1/
          ip netns exec shop-thief curl -i http://10.85.255.1/    # reset; `node events` says why

        Edit the YAML, and the change is in force. To have systemd run the daemon, stop the one above:

          cp %1$s/sluice.service /etc/systemd/system/ && systemctl enable --now sluice

        After a boot the pods' networks are gone: make them again. To end it all, stop the daemon
        (systemctl disable --now sluice), then:

          %2$s node cleanup --forget
          sh %1$s/network.sh down
        """,
        folder, sluice);
    out.flush();
  }
}
