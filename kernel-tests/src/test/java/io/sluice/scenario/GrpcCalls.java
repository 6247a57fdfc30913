package io.sluice.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.collect.Lists;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import io.netty.channel.EventLoopGroup;
import io.sluice.lab.site.Await;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Calls of one channel to {@link GrpcShop}s. */
final class GrpcCalls implements AutoCloseable {
  /** What {@link #ofEachKind} sends and receives. */
  static final int ASKED = 10;

  static final int ANSWERED = 8;
  private static final int AT_ONCE = 50;
  private static final int PATIENCE_SECONDS = 20;

  private final ManagedChannel channel;

  GrpcCalls(EventLoopGroup group, Cell cell, String account, int port) throws SSLException {
    this(group, cell, account, port, null);
  }

  /** By TLS of the application, whose certificate is {@code rootOrNull}. */
  GrpcCalls(EventLoopGroup group, Cell cell, String account, int port, @Nullable Path rootOrNull)
      throws SSLException {
    channel = GrpcShop.channel(group, cell.client(account), cell.at("books", port), rootOrNull);
  }

  private String call(MethodDescriptor<String, String> method, String text) {
    CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS);
    return ClientCalls.blockingUnaryCall(channel, method, options, text);
  }

  private Future<String> begin(MethodDescriptor<String, String> method, String text) {
    return ClientCalls.futureUnaryCall(channel.newCall(method, CallOptions.DEFAULT), text);
  }

  /** Each kind of call, and each way in which one may end. */
  void ofEachKind() throws Exception {
    assertThat(call(GrpcShop.BUY, "book")).endsWith(" book");
    collect();
    assertThat(
            Lists.newArrayList(
                ClientCalls.blockingServerStreamingCall(
                    channel, GrpcShop.SPELL, CallOptions.DEFAULT, "book")))
        .containsExactly("b", "o", "o", "k");
    echo();
    assertThatThrownBy(() -> call(GrpcShop.FAIL, "paper"))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            failure -> {
              Metadata trailers = failure.getTrailers();
              assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
              assertThat(failure.getStatus().getDescription()).isEqualTo("no paper");
              assertThat(trailers == null ? "" : trailers.get(GrpcShop.TRAILER)).isEqualTo("paper");
            });
    assertThatThrownBy(() ->
            ClientCalls.blockingUnaryCall(
                channel,
                GrpcShop.WAIT,
                CallOptions.DEFAULT.withDeadlineAfter(2, TimeUnit.SECONDS),
                ""))
        // The server knows the deadline too: a client that looks late hears of its end first.
        .hasMessageMatching("(DEADLINE_EXCEEDED|UNAVAILABLE)(?s:.*)");
  }

  /** How many calls the servers have heard to be given up, or too late. */
  static int cancelled(List<GrpcShop> shops) {
    return shops.stream().mapToInt(GrpcShop::cancelled).sum();
  }

  private void collect() throws Exception {
    CompletableFuture<String> answer = new CompletableFuture<>();
    StreamObserver<String> request =
        ClientCalls.asyncClientStreamingCall(
            channel.newCall(GrpcShop.COLLECT, CallOptions.DEFAULT),
            new StreamObserver<String>() {
              @Override
              public void onNext(String text) {
                answer.complete(text);
              }

              @Override
              public void onError(Throwable cause) {
                answer.completeExceptionally(cause);
              }

              @Override
              public void onCompleted() {}
            });
    List.of("a", "b", "c").forEach(request::onNext);
    request.onCompleted();
    assertThat(answer.get(PATIENCE_SECONDS, TimeUnit.SECONDS)).isEqualTo("abc");
  }

  /** The second message is sent when the first one's echo has come. */
  private void echo() throws Exception {
    BlockingQueue<String> answers = new LinkedBlockingQueue<>();
    StreamObserver<String> request =
        ClientCalls.asyncBidiStreamingCall(
            channel.newCall(GrpcShop.ECHO, CallOptions.DEFAULT),
            new StreamObserver<String>() {
              @Override
              public void onNext(String text) {
                answers.add(text);
              }

              @Override
              public void onError(Throwable cause) {
                answers.add(cause.toString());
              }

              @Override
              public void onCompleted() {
                answers.add("the end");
              }
            });
    for (String text : List.of("first", "second")) {
      request.onNext(text);
      assertThat(answers.poll(PATIENCE_SECONDS, TimeUnit.SECONDS)).isEqualTo(text);
    }
    request.onCompleted();
    assertThat(answers.poll(PATIENCE_SECONDS, TimeUnit.SECONDS)).isEqualTo("the end");
  }

  /** One is given up by its client, which the server hears. */
  void cancel(List<GrpcShop> shops) {
    int waiting = shops.stream().mapToInt(GrpcShop::waiting).sum();
    Future<String> given = begin(GrpcShop.WAIT, "");
    Await.until(
        "the call has arrived", () -> shops.stream().mapToInt(GrpcShop::waiting).sum() > waiting);
    int before = cancelled(shops);
    given.cancel(true);
    Await.until("the server has heard", () -> cancelled(shops) > before);
  }

  /** One that is not granted. */
  void steal() {
    assertThatThrownBy(() -> call(GrpcShop.STEAL, "book"))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            refused ->
                assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED));
  }

  /** How many of so many calls, some at once, each pod answered; each with its own text. */
  Map<String, Integer> buy(int calls) throws Exception {
    Map<String, Integer> pods = new TreeMap<>();
    Queue<Future<String>> open = new ArrayDeque<>();
    List<String> answers = new ArrayList<>();
    for (int i = 0; i < calls; i++) {
      open.add(begin(GrpcShop.BUY, Integer.toString(i)));
      if (open.size() == AT_ONCE) {
        answers.add(open.remove().get(PATIENCE_SECONDS, TimeUnit.SECONDS));
      }
    }
    for (Future<String> one : open) {
      answers.add(one.get(PATIENCE_SECONDS, TimeUnit.SECONDS));
    }
    for (int i = 0; i < calls; i++) {
      String[] words = answers.get(i).split(" ", 2);
      assertThat(words[1]).isEqualTo(Integer.toString(i));
      pods.merge(words[0], 1, Integer::sum);
    }
    return pods;
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }
}
