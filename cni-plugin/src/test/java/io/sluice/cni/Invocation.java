package io.sluice.cni;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/** One start of the real client, as a runtime starts it: variables and standard input. */
record Invocation(Map<String, String> variables, byte[] input) {
  /** A namespace that every process has; the client only opens it. */
  static final String NAMESPACE = "/proc/self/ns/net";

  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private static final Path EXECUTABLE = unpack();

  /** What came of it. An exit status above 128 is a signal. */
  record Outcome(int exitStatus, byte[] output, Duration time) {
    String text() {
      return new String(output, StandardCharsets.UTF_8);
    }

    JsonNode json() {
      return parse(output);
    }

    int code() {
      return json().path("code").asInt();
    }

    String message() {
      return json().path("msg").asText();
    }
  }

  /** The command with every variable that an attachment needs, for no pod of Kubernetes. */
  static Invocation of(String command) {
    return new Invocation(
        Map.of(
            "CNI_COMMAND", command,
            "CNI_CONTAINERID", "sandbox-1",
            "CNI_NETNS", NAMESPACE,
            "CNI_IFNAME", "eth0",
            "CNI_PATH", "/opt/cni/bin"),
        new byte[0]);
  }

  static Invocation ofPod(String command, String namespace, String name) {
    return of(command)
        .with(
            "CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAMESPACE=" + namespace + ";K8S_POD_NAME=" + name);
  }

  Invocation with(String variable, String value) {
    Map<String, String> more = new TreeMap<>(variables);
    more.put(variable, value);
    return new Invocation(more, input);
  }

  Invocation without(String variable) {
    Map<String, String> fewer = new TreeMap<>(variables);
    fewer.remove(variable);
    return new Invocation(fewer, input);
  }

  Invocation with(byte[] otherInput) {
    return new Invocation(variables, otherInput);
  }

  Invocation with(Config config) {
    return with(config.bytes());
  }

  /** Starts the client; its input stays open. */
  Process start() throws IOException {
    ProcessBuilder builder = new ProcessBuilder(EXECUTABLE.toString());
    builder.environment().clear();
    builder.environment().putAll(variables);
    return builder.redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  Outcome run() throws IOException, InterruptedException {
    long begin = System.nanoTime();
    Process process = start();
    try (OutputStream stdin = process.getOutputStream()) {
      stdin.write(input);
    } catch (IOException e) {
      // The client may end before it has read everything: its output tells whether it should have.
    }
    return await(process, begin);
  }

  /** Waits for the end of a client that was started at {@code begin} (nanoseconds). */
  static Outcome await(Process process, long begin) throws IOException, InterruptedException {
    byte[] output = process.getInputStream().readAllBytes();
    if (!process.waitFor(90, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("the client does not end");
    }
    return new Outcome(process.exitValue(), output, Duration.ofNanos(System.nanoTime() - begin));
  }

  /** The one JSON document that these bytes are; throws when they are none. */
  static JsonNode parse(byte[] document) {
    try {
      return JSON.readTree(document);
    } catch (IOException e) {
      throw new UncheckedIOException(new String(document, StandardCharsets.UTF_8), e);
    }
  }

  private static Path unpack() {
    try {
      Path file = Files.createTempFile("sluice-cni-", "");
      Files.write(file, CniClient.forThisMachine());
      if (!file.toFile().setExecutable(true)) {
        throw new IOException(file + " cannot be made executable");
      }
      file.toFile().deleteOnExit();
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
