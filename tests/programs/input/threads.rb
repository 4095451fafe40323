# threads.rb - generations of threads build strings, hashes and big numbers; Ractors run in
# parallel; fibers and forked children allocate too; the collector compacts. Prints digests.
require 'digest'
require 'json'
require 'set'
require 'zlib'

def work(id, rounds)
  state = id
  words = Hash.new { |hash, key| hash[key] = +'' }
  rounds.times do |i|
    state = (state * 1103515245 + 12345) & 0x7fffffff
    words["word#{state % 3000}"] << (i % 10).to_s * (state % 40)
  end
  text = words.sort.map { |key, value| "#{key}=#{value}" }.join(';')
  again = JSON.parse(JSON.generate(words)).to_a.sort.flatten.join
  packed = Zlib::Inflate.inflate(Zlib::Deflate.deflate(text, 1 + id % 9))
  [id, packed == text, Digest::SHA1.hexdigest(text), Digest::SHA1.hexdigest(again)].join(' ')
end

3.times do |generation|
  threads = (1..12).map { |i| Thread.new { work(generation * 100 + i, 6000) } }
  threads.each { |thread| puts thread.value }
  GC.compact if GC.respond_to?(:compact)
end

ractors = (1..4).map do |i|
  Ractor.new(i) do |id|
    list = (1..30_000).map { |n| "#{id}:#{n * 7919 % 10_007}" }
    [id, list.uniq.size, list.sort.last, list.join.size]
  end
end
ractors.each { |ractor| puts ractor.take.join(' ') }

queue = SizedQueue.new(50)
producers = (1..4).map do |i|
  Thread.new { 3000.times { |n| queue << ["#{i}-#{n}" * (n % 30), i] } }
end
totals = Hash.new(0)
12_000.times { text, from = queue.pop; totals[from] += text.size }
producers.each(&:join)
puts totals.sort.inspect

fibers = (1..400).map { |i| Fiber.new { 20.times { |n| Fiber.yield 'f' * (i * n % 500) }; '' } }
puts (1..20).sum { fibers.sum { |fiber| fiber.resume.size } }

3.times do |i|
  reader, writer = IO.pipe
  pid = fork do
    reader.close
    writer.puts work(900 + i, 3000), Thread.new { work(i, 500) }.value
    exit!(0)
  end
  writer.close
  puts reader.read
  Process.wait(pid)
  puts $?.exitstatus
end
puts (1..1500).inject(:*).to_s.size, Set.new((1..50_000).map { |n| (n * 7919 % 9973).to_s }).size
