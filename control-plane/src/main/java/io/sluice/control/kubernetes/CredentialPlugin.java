package io.sluice.control.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.ExecConfig;
import java.io.IOException;
import java.io.InputStream;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The program that a kubeconfig's user names to prove itself by, such as those of cloud providers
 * (Kubernetes, "client-go credential plugins"). Any thread; a run blocks for a minute at most.
 */
final class CredentialPlugin {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String KIND = "ExecCredential";
  private static final List<String> VERSIONS =
      List.of("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1");

  /** Somebody may have to type a password. */
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  /** From its end to that of its output. */
  private static final Duration PIPE_PATIENCE = Duration.ofSeconds(5);

  /** A token that ends under way is of no use. */
  private static final Duration BEFORE_END = Duration.ofSeconds(10);

  /** One at a time: what a killed process was starting must not hold its sockets open. */
  private static final Object STARTING = new Object();

  private static final int LONGEST_ANSWER_BYTES = 1 << 18;

  /** Platform threads: a virtual one keeps its carrier while it waits for a pipe. */
  private static final Executor THREADS = task -> Thread.ofPlatform().daemon().start(task);

  private final ExecConfig exec;
  private final KubeconfigField field;
  private @Nullable Answer answer;

  CredentialPlugin(ExecConfig exec, KubeconfigField field) {
    this.exec = exec;
    this.field = field;
  }

  /**
   * What it said: a token, or a certificate and its key.
   *
   * @param certificate PEM; empty where there is none, as the others
   * @param until when it has to be asked again
   */
  record Answer(String token, String certificate, String key, Instant until) {}

  /** The token of the last run, or of a new one where that is over. */
  synchronized String token() {
    Answer known = answer;
    if (known == null || !Instant.now().isBefore(known.until())) {
      known = run();
    }
    return known.token();
  }

  /** Runs it. @throws IllegalArgumentException naming file and field, with what it said */
  synchronized Answer run() {
    if (!VERSIONS.contains(exec.getApiVersion())) {
      throw field
          .at("apiVersion")
          .wrong("'" + exec.getApiVersion() + "' is not known", "use one of " + VERSIONS);
    }
    if (exec.getCommand() == null || exec.getCommand().isEmpty()) {
      throw field.at("command").wrong("is missing", "name the program");
    }
    Process process = started();
    try {
      var out = CompletableFuture.supplyAsync(() -> text(process.getInputStream()), THREADS);
      var err = CompletableFuture.supplyAsync(() -> text(process.getErrorStream()), THREADS);
      if (!process.waitFor(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        throw failed("runs for more than " + PATIENCE.toSeconds() + " s");
      }
      if (process.exitValue() != 0) {
        throw failed(
            "ends with code " + process.exitValue() + ": " + KubernetesApi.quote(said(err)));
      }
      Answer fresh = parsed(said(out));
      answer = fresh;
      return fresh;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw failed("was interrupted");
    } finally {
      process.destroyForcibly();
    }
  }

  /** What it wrote; a child of it may hold the pipe open after its end. */
  private String said(CompletableFuture<String> pipe) throws InterruptedException {
    try {
      return pipe.get(PIPE_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw failed("has ended, but what it started keeps its output open");
    } catch (ExecutionException e) {
      throw failed("cannot be read: " + e.getCause());
    }
  }

  private Process started() {
    String command = exec.getCommand();
    boolean isRelative = command.contains("/") && !command.startsWith("/");
    List<String> line = new ArrayList<>();
    line.add(isRelative ? field.file(command).toString() : command);
    line.addAll(Objects.requireNonNullElse(exec.getArgs(), List.of()));
    ProcessBuilder builder = new ProcessBuilder(line);
    if (exec.getEnv() != null) {
      exec.getEnv().forEach(each -> builder.environment().put(each.getName(), each.getValue()));
    }
    boolean isInteractive = isInteractive();
    if (isInteractive) {
      builder.redirectInput(Redirect.INHERIT).redirectError(Redirect.INHERIT);
    }
    builder.environment().put("KUBERNETES_EXEC_INFO", info(isInteractive));
    try {
      Process process;
      synchronized (STARTING) {
        process = builder.start();
      }
      if (!isInteractive) {
        process.getOutputStream().close();
      }
      return process;
    } catch (IOException e) {
      throw failed("cannot be run (" + e.getMessage() + ")");
    }
  }

  private boolean isInteractive() {
    boolean isTerminal = System.console() != null && System.console().isTerminal();
    if ("Always".equals(exec.getInteractiveMode()) && !isTerminal) {
      throw field
          .at("interactiveMode")
          .wrong("is Always, and nobody is there to be asked", "use another user here");
    }
    return isTerminal && !"Never".equals(exec.getInteractiveMode());
  }

  private String info(boolean isInteractive) {
    ObjectNode info = JSON.createObjectNode().put("apiVersion", exec.getApiVersion());
    info.put("kind", KIND).putObject("spec").put("interactive", isInteractive);
    return info.toString();
  }

  private static String text(InputStream in) {
    try (in) {
      byte[] bytes = in.readNBytes(LONGEST_ANSWER_BYTES);
      in.skip(Long.MAX_VALUE);
      return new String(bytes, StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "";
    }
  }

  private Answer parsed(String text) {
    JsonNode said;
    try {
      said = JSON.readTree(text);
    } catch (IOException e) {
      throw failed("does not write JSON");
    }
    String version = said.path("apiVersion").asText();
    if (!said.path("kind").asText().equals(KIND) || !version.equals(exec.getApiVersion())) {
      throw failed(
          "writes kind '%s' of '%s', not %s of %s"
              .formatted(said.path("kind").asText(), version, KIND, exec.getApiVersion()));
    }
    JsonNode status = said.path("status");
    String certificate = status.path("clientCertificateData").asText();
    Answer read =
        new Answer(
            status.path("token").asText(),
            certificate,
            status.path("clientKeyData").asText(),
            until(status.path("expirationTimestamp").asText()));
    if (read.token().isEmpty() && (certificate.isEmpty() || read.key().isEmpty())) {
      throw failed("writes neither status.token nor a certificate with its key");
    }
    return read;
  }

  private Instant until(String time) {
    try {
      return time.isEmpty() ? Instant.MAX : Instant.parse(time).minus(BEFORE_END);
    } catch (DateTimeException e) {
      throw failed("writes status.expirationTimestamp '" + KubernetesApi.quote(time) + "'");
    }
  }

  private IllegalArgumentException failed(String problem) {
    String hint = Objects.requireNonNullElse(exec.getInstallHint(), "").strip();
    return field
        .at("command")
        .wrong(
            "'" + exec.getCommand() + "' " + problem,
            hint.isEmpty() ? "run it by hand to see why" : KubernetesApi.quote(hint));
  }
}
