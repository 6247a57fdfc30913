package io.sluice.proxy.hbone;

import io.netty.buffer.ByteBuf;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Queue;

/** What one stream has to send, until the socket has taken it. Event loop of the connection. */
final class Outgoing {
  final HboneStream stream;
  private final Queue<ByteBuf> pieces = new ArrayDeque<>(2);
  private int window; // of the peer; below zero where it has lowered that of all streams
  private int queued; // bytes of the pieces
  private int handed; // bytes in frames that the socket has not taken
  private boolean endQueued;
  private boolean endHanded;
  boolean hasTurn; // to send, among the others of its connection

  Outgoing(HboneStream stream, int window) {
    this.stream = stream;
    this.window = window;
  }

  /** Takes ownership. */
  void add(ByteBuf bytes) {
    queued += bytes.readableBytes();
    pieces.add(bytes);
  }

  /** Nothing comes behind what was added. */
  void addEnd() {
    endQueued = true;
  }

  /** Bytes that the socket has not taken. */
  int unsent() {
    return queued + handed;
  }

  /** Whether something waits to be put into frames, windows permitting. */
  boolean isWaiting() {
    return queued > 0 || (endQueued && !endHanded);
  }

  /** Bytes that the next frame may have; zero where there is none, or only the end. */
  int sendable(int connectionWindow, int most) {
    return Math.max(0, Math.min(Math.min(queued, most), Math.min(window, connectionWindow)));
  }

  /** Whether a frame of so many bytes is the last one. */
  boolean endsWith(int bytes) {
    return endQueued && !endHanded && queued == bytes;
  }

  /** Bytes that the peer lets this stream send. */
  int window() {
    return window;
  }

  /** Whether the window can become larger by {@code bytes}, or smaller (RFC 9113 §6.9.1). */
  boolean widen(int bytes) {
    if (bytes > 0 && Integer.MAX_VALUE - bytes < window) {
      return false;
    }
    window += bytes;
    return true;
  }

  /** Copies the next {@code bytes} to where they leave from. */
  void moveTo(ByteBuf block, int bytes) {
    endHanded |= endsWith(bytes);
    queued -= bytes;
    handed += bytes;
    window -= bytes;
    for (int left = bytes; left > 0; ) {
      ByteBuf piece = Objects.requireNonNull(pieces.peek());
      int some = Math.min(left, piece.readableBytes());
      block.writeBytes(piece, some);
      left -= some;
      if (!piece.isReadable()) {
        pieces.remove().release();
      }
    }
  }

  /** So many bytes have left, or never will. */
  void left(int bytes) {
    handed -= bytes;
  }

  /** What waits never leaves. */
  void drop() {
    queued = 0;
    endQueued = endHanded;
    for (ByteBuf piece = pieces.poll(); piece != null; piece = pieces.poll()) {
      piece.release();
    }
  }
}
