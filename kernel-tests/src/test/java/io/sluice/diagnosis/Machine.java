package io.sluice.diagnosis;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.JavaCommand;
import io.sluice.lab.site.SitePod;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A node as a machine of its own: besides the network of a site it has mounts of its own, a bpffs
 * and a sysfs among them, so that what is mounted, unmounted or hidden here concerns nobody else. A
 * process inside answers questions. For one thread.
 */
final class Machine implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * The control groups stay: those of pods are among them. Who keeps the mounts is called as who
   * keeps the time.
   */
  private static final String MOUNTS =
      """
      set -e
      mkdir -p $0/groups
      mount --rbind /sys/fs/cgroup $0/groups
      mount -t sysfs sysfs /sys
      mount --rbind $0/groups /sys/fs/cgroup
      umount -lR $0/groups
      mount -t bpf -o mode=700 bpf /sys/fs/bpf
      mount --bind $0/resolv.conf /etc/resolv.conf
      cp "$(command -v sleep)" $0/chronyd
      echo ready
      exec $0/chronyd infinity
      """;

  private final SitePod node;
  private final Path directory;
  private final Process holder;
  private final Process asker;
  private final BufferedWriter questions;
  private final BufferedReader answers;

  /**
   * Begins to live.
   *
   * @param directory where the machine's {@code resolv.conf} is
   * @param environment of the process that answers
   */
  Machine(SitePod node, Path directory, String environment) throws IOException {
    this.node = node;
    this.directory = directory;
    holder =
        new ProcessBuilder(
                "nsenter",
                "--net=" + node.path(),
                "--",
                "unshare",
                "--mount",
                "--propagation",
                "slave",
                "sh",
                "-c",
                MOUNTS,
                directory.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String said = holder.inputReader(StandardCharsets.UTF_8).readLine();
    if (!"ready".equals(said)) {
      throw new IllegalStateException("the machine's mounts cannot be made: " + said);
    }
    List<String> command = new ArrayList<>(inside());
    command.addAll(List.of("env", environment));
    command.addAll(JavaCommand.program(Asker.class.getName()));
    asker =
        new ProcessBuilder(command).redirectError(directory.resolve("asker.log").toFile()).start();
    questions =
        new BufferedWriter(new OutputStreamWriter(asker.getOutputStream(), StandardCharsets.UTF_8));
    answers =
        new BufferedReader(new InputStreamReader(asker.getInputStream(), StandardCharsets.UTF_8));
  }

  /** Words before those of a command that is to run in the machine's mounts. */
  List<String> mounts() {
    return List.of("nsenter", "--mount=/proc/" + holder.pid() + "/ns/mnt", "--");
  }

  private List<String> inside() {
    List<String> words = new ArrayList<>(List.of("nsenter", "--net=" + node.path()));
    words.addAll(mounts().subList(1, mounts().size()));
    return words;
  }

  /** What a command of the shell prints on the machine. */
  String run(String command) {
    List<String> words = new ArrayList<>(inside());
    words.addAll(List.of("sh", "-ec", command));
    return Commands.run(words.toArray(String[]::new));
  }

  /** A command of the shell that runs on, on the machine. */
  Process begin(String command) throws IOException {
    List<String> words = new ArrayList<>(inside());
    words.addAll(List.of("sh", "-ec", command));
    return new ProcessBuilder(words).redirectErrorStream(true).start();
  }

  /** A file of the machine, as others see it. */
  Path file(String path) {
    return Path.of("/proc/" + holder.pid() + "/root").resolve(path.substring(1));
  }

  /** What a command of the program prints in JSON when it runs on the machine. */
  JsonNode ask(List<String> words) throws IOException {
    questions.write(JSON.writeValueAsString(words));
    questions.newLine();
    questions.flush();
    String line = answers.readLine();
    if (line == null) {
      throw new IOException("nobody answers; see " + directory.resolve("asker.log"));
    }
    JsonNode answer = JSON.readTree(line);
    if (answer.path("out").asText().isEmpty()) {
      throw new IOException(words + ": " + answer.path("err").asText());
    }
    return JSON.readTree(answer.path("out").asText());
  }

  /** The same by a process of its own, started by these words of the shell. */
  JsonNode askBehind(String launcher, List<String> words) {
    List<String> command = new ArrayList<>(List.of(launcher));
    JavaCommand.sluice().forEach(word -> command.add("'" + word + "'"));
    command.addAll(words);
    try {
      // The JVM may have its say before.
      String said = run(String.join(" ", command) + " 2>/dev/null || true");
      return JSON.readTree(said.substring(("\n" + said).indexOf("\n{")));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    asker.destroyForcibly();
    holder.destroyForcibly();
  }
}
