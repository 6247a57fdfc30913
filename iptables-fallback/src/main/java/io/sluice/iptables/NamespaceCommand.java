package io.sluice.iptables;

import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.process.Children;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Runs a program inside a network namespace, without a shell and with a deadline.
 *
 * <p>The child enters by nsenter(1) itself. It could inherit the namespace of a thread that had
 * entered; but starting a process also starts the JVM's reaper thread, which would inherit it too,
 * and keep the namespace of a deleted pod alive for as long as it is reused.
 */
final class NamespaceCommand {
  private static final Duration DEADLINE = Duration.ofSeconds(10);

  private NamespaceCommand() {}

  /** What a program left behind. */
  record Result(int status, String output, String errors) {
    boolean isSuccess() {
      return status == 0;
    }
  }

  /** Any thread. Status 124 when the deadline passed, as timeout(1) says it. */
  static Result run(NetnsHandle namespace, List<String> command, String input) {
    List<String> words = new ArrayList<>();
    words.add("nsenter");
    words.add("--net=/proc/" + ProcessHandle.current().pid() + "/fd/" + namespace.fd());
    words.add("--");
    words.addAll(command);
    var builder = new ProcessBuilder(words);
    builder.environment().put("LC_ALL", "C");
    try {
      return communicate(Children.start(builder), input);
    } catch (IOException e) {
      throw new RedirectionException(
          command.getFirst(), "", String.valueOf(e.getMessage()), "install nsenter (util-linux)");
    }
  }

  private static Result communicate(Process process, String input) {
    var output = reading(process.getInputStream());
    var errors = reading(process.getErrorStream());
    besides(() -> feed(process.getOutputStream(), input));
    try {
      boolean ended = process.waitFor(DEADLINE.toMillis(), TimeUnit.MILLISECONDS);
      if (!ended) {
        process.destroyForcibly().waitFor();
      }
      return new Result(
          ended ? process.exitValue() : 124,
          output.join(),
          ended ? errors.join() : "no answer within " + DEADLINE.toSeconds() + " s");
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      return new Result(124, "", "interrupted");
    }
  }

  private static void feed(OutputStream to, String input) {
    try (to) {
      to.write(input.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      return; // it ended before it had read all: its status and errors tell why
    }
  }

  private static CompletableFuture<String> reading(InputStream from) {
    var text = new CompletableFuture<String>();
    besides(() -> {
      try (from) {
        text.complete(new String(from.readAllBytes(), StandardCharsets.UTF_8));
      } catch (IOException e) {
        text.complete("");
      }
    });
    return text;
  }

  /** A virtual thread would keep its carrier while it waits for a pipe. */
  private static void besides(Runnable work) {
    Thread.ofPlatform().daemon().name("sluice-child-pipe").start(work);
  }
}
