package io.sluice.benchmarks;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.function.Supplier;

/** What is asked on a connection, and that it was answered rightly. */
enum Talk {
  /** One byte each way. */
  BYTE(LoadServer.ONE_BYTE_PORT, () -> echoed(1)),
  /** The same, where the server keeps the connection. */
  HELD_BYTE(LoadServer.HOLD_PORT, () -> echoed(1)),
  /** 64 bytes there and back. */
  BYTES(LoadServer.ECHO_PORT, () -> echoed(64)),
  /** A GET of 256 bytes, with fields as a browser sends. */
  GET(LoadServer.HTTP_PORT, () -> requested("GET", LoadServer.ITEM, 0, LoadServer.ITEM_BYTES)),
  /** An answer of a whole chunk. */
  GET_CHUNK(
      LoadServer.HTTP_PORT, () -> requested("GET", LoadServer.CHUNK, 0, LoadServer.CHUNK_BYTES)),
  /** A request of a whole chunk. */
  PUT_CHUNK(
      LoadServer.HTTP_PORT,
      () -> requested("PUT", LoadServer.CHUNK, LoadServer.CHUNK_BYTES, LoadServer.ITEM_BYTES));

  private static final String HEAD =
      """
      %s %s HTTP/1.1
      Host: server.bench.svc.cluster.local:7006
      User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0
      Accept: application/json, text/plain;q=0.9, */*;q=0.8
      Accept-Language: en-GB,en;q=0.7,de;q=0.3
      Accept-Encoding: gzip, deflate
      Referer: http://shop.bench.svc.cluster.local/items/?page=3
      Cookie: session=3f2a9c0d6b7e4518a1c2d3e4f5061728; theme=dark
      Connection: keep-alive
      """;

  private final int port;
  private final Supplier<Exchange> exchange;

  Talk(int port, Supplier<Exchange> exchange) {
    this.port = port;
    this.exchange = exchange;
  }

  /** One question and its answer, again and again, on one connection after the other. */
  interface Exchange {
    void run(SocketChannel connection) throws IOException;
  }

  /** Of the server. */
  int port() {
    return port;
  }

  /** For one thread. */
  Exchange begin() {
    return exchange.get();
  }

  private static Exchange echoed(int length) {
    ByteBuffer message = ByteBuffer.allocateDirect(length);
    return connection -> {
      connection.write(message.clear());
      message.clear();
      while (message.hasRemaining()) {
        if (connection.read(message) < 0) {
          throw new EOFException("the other end closed before it had answered");
        }
      }
    };
  }

  private static Exchange requested(String method, String target, long sent, long expected) {
    HttpEnd end = new HttpEnd();
    ByteBuffer head = requestHead(method, target, sent);
    return connection -> {
      end.write(connection, head, sent);
      HttpEnd.Head answer = answer(end, connection);
      if (!answer.second().equals("200") || answer.length() != expected) {
        throw new IOException(
            method + " " + target + " was answered " + answer + ", not with " + expected);
      }
    };
  }

  private static HttpEnd.Head answer(HttpEnd end, SocketChannel connection) throws IOException {
    HttpEnd.Head answer = end.readHead(connection);
    if (answer == null) {
      throw new EOFException("the other end closed before it had answered");
    }
    end.skip(connection, answer.length());
    return answer;
  }

  private static ByteBuffer requestHead(String method, String target, long length) {
    String head = HEAD.formatted(method, target);
    if (length > 0) {
      head += "Content-Type: application/octet-stream\nContent-Length: " + length + "\n";
    }
    return ByteBuffer.wrap((head + "\n").replace("\n", "\r\n").getBytes(StandardCharsets.US_ASCII));
  }

  /** The status that a GET of {@code target} is answered with. */
  static String statusOf(SocketChannel connection, String target) throws IOException {
    HttpEnd end = new HttpEnd();
    end.write(connection, requestHead("GET", target, 0), 0);
    return answer(end, connection).second();
  }
}
