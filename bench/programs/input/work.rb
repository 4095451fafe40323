# bench/programs/input/work.rb ROUNDS - what ruby does: orders come in, are priced, printed and
# mostly forgotten; customers stay. Prints check sums.
require 'digest'

$state = 5

def draw(most)
  $state = ($state * 6364136223846793005 + 1442695040888963407) & 0xffffffffffffffff
  ($state >> 33) % most
end

GOODS = %w[anchor barrel candle drum engine flag gear hammer iron jug kettle lamp].freeze
Item = Struct.new(:name, :count, :cents)

class Order
  attr_reader :customer, :items

  def initialize(number)
    @number = number
    @customer = "customer #{draw(3000)}"
    @items = Array.new(1 + draw(8)) do
      Item.new(GOODS[draw(12)] + draw(50).to_s, 1 + draw(9), draw(9999))
    end
    @notes = { 'packed' => draw(2) == 0, 'by' => "clerk #{draw(40)}", 'text' => 'x' * draw(300) }
  end

  def cents
    @items.sum { |item| item.count * item.cents }
  end

  def print
    lines = @items.sort_by(&:name).map do |item|
      format('%-12s %3d %8.2f', item.name, item.count, item.cents / 100.0)
    end
    notes = @notes.map { |key, value| "#{key}=#{value}" }
    "#{@number} for #{@customer}\n" + lines.join("\n") + "\n" + notes.join(';')
  end
end

seen = Digest::SHA256.new
customers = Hash.new { |hash, name| hash[name] = { spent: 0, orders: [], last: '' } }
ARGV[0].to_i.times do |round|
  orders = Array.new(9000) { |number| Order.new(round * 9000 + number) }
  orders.each do |order|
    customer = customers[order.customer]
    customer[:spent] += order.cents
    customer[:orders] << order
    customer[:orders].shift if customer[:orders].size > 5
    customer[:last] = order.print.gsub(/(\d+)\.(\d\d)/) { "#{$1},#{$2}" }
  end
  groups = orders.group_by { |order| order.items.first.name }
  groups.each { |name, list| seen << name << list.sum(&:cents).to_s }
  best = customers.sort_by { |name, customer| [-customer[:spent], name] }.first(100)
  best.each do |name, customer|
    seen << name << customer[:last] << customer[:orders].map(&:print).join
  end
end
puts seen.hexdigest, customers.size
