package io.sluice.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Applications: blocking sockets, one virtual thread per accepted connection. */
public final class Peers {
  public interface Conversation {
    void with(Socket socket) throws Exception;
  }

  public static final InetAddress V4 = InetAddress.ofLiteral("127.0.0.1");
  public static final InetAddress V6 = InetAddress.ofLiteral("::1");

  /** Says what it hears, to the end. */
  public static final Conversation ECHO =
      socket -> {
        socket.getInputStream().transferTo(socket.getOutputStream());
        socket.shutdownOutput();
      };

  private static final long MOST_HELD_NANOS = TimeUnit.SECONDS.toNanos(5);

  private Peers() {}

  /** A server; what the conversation throws ends that connection only. */
  public static final class Server implements AutoCloseable {
    public final ServerSocket listener;
    public final AtomicInteger accepted = new AtomicInteger();
    private final Thread acceptor;

    public Server(InetAddress address, Conversation conversation) {
      this(address, 0, conversation);
    }

    public Server(InetAddress address, int receiveBufferBytes, Conversation conversation) {
      this(new InetSocketAddress(address, 0), receiveBufferBytes, conversation);
    }

    public Server(InetSocketAddress address, int receiveBufferBytes, Conversation conversation) {
      try {
        listener = new ServerSocket();
        if (receiveBufferBytes > 0) {
          listener.setReceiveBufferSize(receiveBufferBytes);
        }
        listener.bind(address, 1_024);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      acceptor =
          Thread.ofVirtual()
              .start(() -> {
                while (!listener.isClosed()) {
                  try {
                    Socket socket = listener.accept();
                    accepted.incrementAndGet();
                    Thread.ofVirtual().start(() -> converse(socket, conversation));
                  } catch (IOException e) {
                    return;
                  }
                }
              });
    }

    private static void converse(Socket socket, Conversation conversation) {
      try (socket) {
        conversation.with(socket);
      } catch (Exception e) {
        // The other end of the test asserts what matters.
      }
    }

    public InetSocketAddress address() {
      return new InetSocketAddress(listener.getInetAddress(), listener.getLocalPort());
    }

    /**
     * The kernel takes connections until the acceptor has let go of the socket, and so has a
     * process that another test is just starting, which has it until it becomes another program.
     */
    @Override
    public void close() {
      InetSocketAddress address = address();
      try {
        listener.close();
        acceptor.join();
        long begin = System.nanoTime();
        while (System.nanoTime() - begin < MOST_HELD_NANOS && isTaken(address)) {
          Thread.sleep(1);
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static boolean isTaken(InetSocketAddress address) {
    try (Socket socket = new Socket()) {
      socket.connect(address, 1_000);
      return true;
    } catch (ConnectException e) {
      return false;
    } catch (IOException e) {
      return true; // taken and reset
    }
  }

  public static Server echo(InetAddress address) {
    return new Server(address, ECHO);
  }

  public static Socket connect(InetSocketAddress address) throws IOException {
    Socket socket = new Socket();
    socket.setSoTimeout(20_000);
    socket.setTcpNoDelay(true);
    socket.connect(address, 5_000);
    return socket;
  }

  /** One byte there, and back from an echo. */
  public static void exchange(Socket socket, int octet) throws IOException {
    socket.getOutputStream().write(octet);
    assertThat(socket.getInputStream().read()).isEqualTo(octet);
  }

  public static void reset(Socket socket) throws IOException {
    socket.setSoLinger(true, 0);
    socket.close();
  }

  /** An address of loopback that nothing listens on. */
  public static InetSocketAddress unused() {
    try (ServerSocket socket = new ServerSocket(0, 1, V4)) {
      return new InetSocketAddress(V4, socket.getLocalPort());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
