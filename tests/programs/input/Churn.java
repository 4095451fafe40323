// Churn.java - threads that come and go use the memory that the virtual machine takes from malloc:
// direct buffers, zip streams, class loaders, and the compiler's arenas. Prints digests.
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.InflaterInputStream;

public class Churn {
    static final ConcurrentHashMap<String, Integer> SHARED = new ConcurrentHashMap<>();

    static long crc(byte[] bytes) {
        CRC32 crc = new CRC32();
        crc.update(bytes);
        return crc.getValue();
    }

    static String work(int id) throws Exception {
        ByteBuffer buffer = ByteBuffer.allocateDirect(10_000 + id % 100 * 997);
        long state = id;
        StringBuilder text = new StringBuilder();
        TreeMap<String, Integer> words = new TreeMap<>();
        while (buffer.hasRemaining()) {
            state = state * 6364136223846793005L + 1442695040888963407L;
            buffer.put((byte) (state >> 40 & 15));
            if (state >>> 61 == 0) {
                words.merge("w" + (state >>> 45), 1, Integer::sum);
            }
        }
        words.forEach((word, count) -> text.append(word).append(count));
        byte[] bytes = new byte[buffer.flip().limit()];
        buffer.get(bytes);
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (DeflaterOutputStream deflater = new DeflaterOutputStream(packed)) {
            deflater.write(bytes);
        }
        byte[] back = new InflaterInputStream(new ByteArrayInputStream(packed.toByteArray()))
            .readAllBytes();
        SHARED.merge("bytes", bytes.length, Integer::sum);
        return id + " " + crc(bytes) + " " + (crc(back) == crc(bytes)) + " " + packed.size() + " "
            + text.toString().hashCode();
    }

    static class Loader extends ClassLoader {
        final byte[] code;

        Loader(byte[] code) {
            super(null);
            this.code = code;
        }

        Class<?> define() {
            return defineClass("Churn$Small", code, 0, code.length);
        }
    }

    public static class Small implements Runnable {
        @Override
        public void run() {
            System.setProperty("loaded", "" + (Integer.getInteger("loaded", 0) + 1));
        }
    }

    static void load(int times) throws Exception {
        byte[] code = Churn.class.getResourceAsStream("Churn$Small.class").readAllBytes();
        for (int i = 0; i < times; i++) {
            Class<?> small = new Loader(code).define();
            ((Runnable) small.getDeclaredConstructor().newInstance()).run();
        }
        System.out.println("loaded " + System.getProperty("loaded"));
    }

    public static void main(String[] args) throws Exception {
        for (int generation = 0; generation < 4; generation++) {
            ExecutorService pool = Executors.newFixedThreadPool(8);
            List<Future<String>> answers = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                int id = generation * 1000 + i;
                answers.add(pool.submit(() -> work(id)));
            }
            for (Future<String> answer : answers) {
                System.out.println(answer.get());
            }
            pool.shutdown();
        }
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 400; i++) {
            Thread thread = new Thread(() -> SHARED.merge("threads", 1, Integer::sum), "t" + i);
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join();
        }
        load(500);
        System.out.println(new TreeMap<>(SHARED) + " "
            + IntStream.range(0, 500_000).parallel().mapToObj(Integer::toString)
                .mapToLong(String::hashCode).sum());
    }
}
